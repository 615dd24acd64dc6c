"""A small TCP proxy in front of the store that can refuse writes like a store with a full disk."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from enum import Enum

HEAD_BYTES = 64 * 1024
REFUSAL = (
    b"<?xml version='1.0'?><Error><Code>ServiceUnavailable</Code><Message>No writes now.</Message></Error>"
)


class Mode(Enum):
    """What the proxy lets through."""

    OPEN = "open"
    READ_ONLY = "read only"


class Gateway:
    """Listens on the loopback and forwards to the port `target`, depending on the mode."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._mode = Mode.OPEN
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self.port = 0
        self.refused = 0
        # Bytes received from the store.
        self.answered = 0
        threading.Thread(target=self._run, name="gateway", daemon=True).start()
        self._ready.wait()

    @property
    def endpoint(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self.port}"

    def switch(self, mode: Mode) -> None:
        """Change the mode and cut every connection."""
        self._mode = mode
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._pass(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = b""
        if self._mode is Mode.READ_ONLY:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.split(b" ", 1)[0] in {b"PUT", b"POST", b"DELETE"}:
                self.refused += 1
                await self._refuse(writer)
                return
            # One request per connection, so that no write follows unnoticed.
            first = head[:-2] + b"Connection: close\r\n\r\n"
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            forth.write(first)
            both = [self._pipe(reader, forth, False), self._pipe(back, writer, True)]
            tasks = [asyncio.ensure_future(one) for one in both]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in tasks:
                    one.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            forth.close()

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: bool) -> None:
        while data := await source.read(256 * 1024):
            self.answered += len(data) if count else 0
            sink.write(data)
            await sink.drain()

    async def _refuse(self, writer: asyncio.StreamWriter) -> None:
        lines = (b"HTTP/1.1 503 Service Unavailable", b"Content-Type: application/xml", b"Connection: close")
        length = b"Content-Length: " + str(len(REFUSAL)).encode()
        writer.write(b"\r\n".join([*lines, length, b"", REFUSAL]))
        await writer.drain()
