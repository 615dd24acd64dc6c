"""Writes request bodies to temporary files without blocking the event loop, since a busy disk may be slow."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import Final

from bgplatform.body_limit import Receive
from jobs.storage.temporary import temporary_files

BLOCK: Final = 256 * 2**10


async def spool(receive: Receive, file: SpooledTemporaryFile[bytes], in_memory: int, most: int | None) -> int:
    """Append a body to a file that keeps up to `in_memory` bytes in memory. Returns the body's size.

    Discards what exceeds `most`. Raises ConnectionResetError where the client disconnects, and StoreFullError
    where the disk for temporary files is full.
    """
    size = 0
    waiting = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        piece = message.get("body", b"")
        size += len(piece)
        if most is None or size <= most:
            waiting += piece
        if size <= in_memory:
            file.write(waiting)  # stays in memory
            waiting.clear()
        elif len(waiting) >= BLOCK or not message.get("more_body", False):
            with temporary_files():
                await asyncio.to_thread(file.write, bytes(waiting))
            waiting.clear()
        if not message.get("more_body", False):
            return size
