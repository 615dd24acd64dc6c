"""Discards request bodies, so that their senders can read the response, at a limited rate.

A client on the same network sends a gigabyte in a second. Discarding that at full speed would block the event
loop for every other request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# The first part of each body is discarded without a pause: most refused requests are forms and photos sent to
# a wrong address.
AT_ONCE: Final = 2**20
# The pause between two chunks (256 KB or less) of all larger bodies together: about 50 MB/s at most.
PAUSE_SECONDS: Final = 0.005


class Pacer:
    """Spaces out its callers by `PAUSE_SECONDS`."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def wait(self) -> None:
        """Wait for the next free slot."""
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + PAUSE_SECONDS
        await asyncio.sleep(self._free_at - now)


PACER: Final = Pacer()


def slow_receive(receive: Receive) -> Receive:
    """Returns a `receive` for a body to be discarded, paced beyond its first `AT_ONCE` bytes."""
    seen = 0

    async def paced() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > AT_ONCE and message.get("more_body", False):
            await PACER.wait()
        return message

    return paced
