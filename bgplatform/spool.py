"""Bodies into temporary files without holding up the event loop: a busy disk may take a while."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import Final

from bgplatform.body_limit import Receive
from bgplatform.no_room import temporary_files

BLOCK: Final = 256 * 2**10


async def spool(receive: Receive, file: SpooledTemporaryFile[bytes], in_memory: int, most: int | None) -> int:
    """Write a body to the end of a file that keeps so many bytes in memory; how many bytes the body has.

    Of more than `most` the rest is dropped. Raises ConnectionResetError where the client goes away, and
    StoreFullError where the disk of the temporary files is full.
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
            file.write(waiting)  # in memory
            waiting.clear()
        elif len(waiting) >= BLOCK or not message.get("more_body", False):
            with temporary_files():
                await asyncio.to_thread(file.write, bytes(waiting))
            waiting.clear()
        if not message.get("more_body", False):
            return size
