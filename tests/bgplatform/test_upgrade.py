"""Requests that offer an upgrade to another protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

PROPOSED = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Returns the request's headers and its body."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    names = b",".join(name for name, _ in scope["headers"])
    said = names + b"|" + body
    if scope["path"] == "/who":
        said = f"{scope['client'][0]} {scope['scheme']}".encode()
    headers = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    # As without `--no-proxy-headers`, with any FORWARDED_ALLOW_IPS.
    config = uvicorn.Config(
        echo,
        http="bgplatform.upgrade:Protocol",
        lifespan="off",
        log_config=None,
        proxy_headers=True,
        forwarded_allow_ips="*",
    )
    config.load()
    protocol: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(port: int, *requests: list[bytes]) -> list[bytes]:
    """Send requests on one connection, each in pieces. Returns the bodies of the responses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    bodies = []
    for pieces in requests:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        bodies.append(await reader.readexactly(int(length)))
    writer.close()
    return bodies


def request(body: bytes, more: str = "") -> bytes:
    return f"POST / HTTP/1.1\r\nHost: a\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_an_h2c_offer_does_not_lose_the_body(port: int) -> None:
    whole = request(b"picture", PROPOSED)
    head, body = whole[:-7], whole[-7:]
    other = request(b"picture", PROPOSED.replace("Upgrade: h2c", "UPGRADE:h2c "))
    expected = b"host,connection,http2-settings,content-length|picture"
    assert await said(port, [whole], [head, body], [other], [whole]) == [expected] * 4


async def test_an_upgrade_line_in_a_body_is_left_alone(port: int) -> None:
    body = b"\r\nUpgrade: h2c\r\n\r\n" * 2
    whole = request(body)
    requests = ([whole], [whole[: -len(body)], body], [whole[:-20], whole[-20:]])
    assert await said(port, *requests) == [b"host,content-length|" + body] * 3


async def test_uvicorn_does_not_trust_forwarded_headers(port: int) -> None:
    forged = b"GET /who HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n"
    assert await said(port, [forged]) == [b"127.0.0.1 http"]
