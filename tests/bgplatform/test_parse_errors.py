"""Unparsable requests get JSON in the format of the API at their address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from bgplatform.asgi import application

COMPAT = {"errors": [{"title": "Request headers could not be read", "code": "invalid_headers"}]}
SENTENCE = "This request is not HTTP/1.1: its first line or one of its headers is malformed."
TOO_LONG = "The address of this request is too long. Send the parameters in the body."


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(application, http="bgplatform.upgrade:Protocol", lifespan="off", log_config=None)
    config.load()
    protocol: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def answer(port: int, request: bytes) -> tuple[int, dict[str, str], Any]:
    """Returns status, headers and JSON of the response before the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert int(headers["content-length"]) == len(body)
    assert headers["connection"] == "close"
    return int(first.split()[1]), headers, json.loads(body)


MALFORMED = [
    b"POST %s HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n",
    b"POST %s HTTP/1.1\r\nHost: a\r\nX-Api-Key : a\r\n\r\n",
    b"POST %s HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
    b"POST %s HTTP/9.9\r\nHost: a\r\n\r\n",
    b"POST %s?image_url=a b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST http://a%s HTTP/9.9\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("request_line", MALFORMED)
async def test_malformed_headers(port: int, request_line: bytes) -> None:
    status, headers, said = await answer(port, request_line % b"/v1.0/removebg")
    assert (status, headers["content-type"]) == (400, "application/json")
    assert headers["access-control-allow-origin"] == "*"
    error = {**COMPAT["errors"][0], "detail": SENTENCE}
    assert said == {"errors": [error]}
    assert await _said(port, request_line % b"/api/remove") == (400, {"detail": SENTENCE})
    status, ours = await _said(port, request_line % b"/api/v1/jobs/")
    assert (status, ours["code"], ours["sentence"]) == (400, "bad_request", SENTENCE)


async def test_a_request_that_is_not_http(port: int) -> None:
    for sent in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"hello\r\n\r\n"):
        status, said = await _said(port, sent)
        assert (status, said["code"]) == (400, "bad_request")


async def test_an_address_that_is_too_long(port: int) -> None:
    for path, shape in (
        (b"/v1.0/removebg", "errors"),
        (b"//v1.0/removebg", "errors"),
        (b"/api/remove", "detail"),
        (b"/api/v1/jobs/", "code"),
    ):
        line = b"POST " + path + b"?image_url=" + b"x" * 66_000 + b" HTTP/1.1\r\n"
        status, said = await _said(port, line + b"Host: localhost\r\nContent-Length: 0\r\n\r\n")
        assert status == 414
        assert shape in said
        if shape == "errors":
            assert said["errors"] == [
                {"title": "Request address too long", "code": "address_too_long", "detail": TOO_LONG}
            ]


async def _said(port: int, request: bytes) -> tuple[int, Any]:
    status, _, said = await answer(port, request)
    return status, said
