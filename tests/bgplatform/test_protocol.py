"""Limits of a connection: header bytes, time, and number of connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from bgplatform import protocol
from bgplatform.protocol import Protocol

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


async def counting(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Responds with the number of bytes received; nothing after a disconnect."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    said = str(size).encode()
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


async def refusing(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Responds without reading, and leaves the connection open."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


@asynccontextmanager
async def served(
    application: Any = counting, most: int | None = None, keep_alive: int = 5
) -> AsyncIterator[tuple[int, ServerState]]:
    config = uvicorn.Config(
        application,
        http="bgplatform.protocol:Protocol",
        lifespan="off",
        log_config=None,
        limit_concurrency=most,
        timeout_keep_alive=keep_alive,
    )
    config.load()
    state = ServerState()
    kind: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: kind(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1], state


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time limits short enough for a test."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "WRITE_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(protocol, name, 0.2)
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.02)


async def poured(port: int, begin: bytes, unit: bytes, most: int) -> tuple[int, bytes]:
    """Returns how many bytes were sent before the server closed, and its response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begin)
    sent = len(begin)
    try:
        while sent < most and not reader.at_eof():
            writer.write(unit)
            await writer.drain()
            sent += len(unit)
            await asyncio.sleep(0)
    except OSError:
        pass
    try:
        said = await reader.read()
    except OSError:
        said = b""
    writer.close()
    return sent, said


ENDLESS = {
    "a header": b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ",
    "an address": b"GET /",
    "trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ",
    "a chunk's extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=",
}


@pytest.mark.parametrize("begin", ENDLESS.values(), ids=ENDLESS.keys())
async def test_endless_input_is_cut_off(begin: bytes) -> None:
    async with served() as (port, state):
        sent, _ = await poured(port, begin, b"a" * 2**14, 64 * 2**20)
        assert sent < 32 * 2**20, "what the sockets hold, and no more"
        while state.connections:
            await asyncio.sleep(0.01)


async def test_many_small_headers_count_together() -> None:
    async with served() as (port, _):
        sent, _ = await poured(port, HEAD, b"X-A: b\r\n" * 2**11, 64 * 2**20)
        assert sent < 32 * 2**20


async def test_blank_lines_do_not_count_as_progress() -> None:
    async with served() as (port, _):
        sent, _ = await poured(port, b"", b"\r\n" * 2**13, 64 * 2**20)
        assert sent < 32 * 2**20


async def test_too_large_headers_get_a_431() -> None:
    async with served() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1.0/removebg HTTP/1.1\r\nX-Long: " + b"a" * (protocol.MAX_HEAD + 1))
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 431 ")
        assert json.loads(said.partition(b"\r\n\r\n")[2])["errors"][0]["code"] == "headers_too_large"
        writer.close()


async def test_bodies_may_exceed_the_header_limit() -> None:
    size = 3 * protocol.MAX_HEAD
    async with served() as (port, _):
        plain = HEAD + b"Content-Length: %d\r\n\r\n" % size + b"a" * size
        chunks = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * size + b"0\r\n\r\n"
        for body in (plain, chunks):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(body)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert int(await reader.readexactly(len(str(size)))) == size
            writer.close()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sent", [b"", b"GET / HTT", HEAD, HEAD + b"Content-Length: 100000\r\n\r\nabc"])
async def test_a_late_request_times_out(sent: bytes) -> None:
    async with served() as (port, state):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b'"code": "request_timeout"' in said
        writer.close()
        while state.connections or state.tasks:
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("quick")
async def test_a_dripping_body_times_out() -> None:
    async with served() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
        reading = asyncio.ensure_future(reader.read())
        while not reading.done():
            writer.write(b"a")
            await asyncio.sleep(0.02)
        assert (await reading).startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.usefixtures("quick")
async def test_an_answered_body_is_cut_off_without_a_second_response() -> None:
    async with served(refusing) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Content-Length: 100000\r\n\r\n" + b"a" * 1000)
        assert (await reader.read()).endswith(b"\r\n\r\nno")
        writer.close()


@pytest.mark.usefixtures("quick")
async def test_a_client_that_does_not_read_is_disconnected() -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while state.connections:
            await send({"type": "http.response.body", "body": b"a" * 2**16, "more_body": True})
            await asyncio.sleep(0)

    async with served(endless) as (port, state):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        while not state.connections:
            await asyncio.sleep(0.01)
        while state.connections:
            await asyncio.sleep(0.01)
        writer.transport.abort()


async def test_half_sent_headers_are_closed_before_busy_connections() -> None:
    async with served(most=16) as (port, state):
        working, at_work = await asyncio.open_connection("127.0.0.1", port)
        at_work.write(HEAD + b"Content-Length: 2\r\n\r\na")
        half = []
        for _ in range(40):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
            half.append((reader, writer))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert len(state.connections) == 12, "three quarters of the sixteen"
        at_work.write(b"b")
        assert (await working.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        for _, one in (*half, (reader, writer), (working, at_work)):
            one.transport.abort()


async def test_the_longest_idle_connection_is_closed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 600.0)
    async with served(most=4, keep_alive=600) as (port, state):
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, writer in (lines[0], lines[2]):
            # Both send a request; afterwards the second has been idle longer than the first.
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        for closed in (1, 0, 2):
            lines.append(await asyncio.open_connection("127.0.0.1", port))
            with suppress(ConnectionError):
                # The rest of the response, and the end of the connection.
                await lines[closed][0].read()
            assert len(state.connections) == 3
        for _, writer in lines:
            writer.transport.abort()
        while state.connections:
            await asyncio.sleep(0.01)
        assert not Protocol._idle_of[state], "who is gone is forgotten"
