"""Bodies that nobody wants: read and dropped, so that their senders see the answer, but slowly.

A client on the same network sends a gigabyte in a second. Whoever drops that as fast as it comes keeps the
event loop, and with it every other request, waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Of each body so much is dropped at once: most refused requests are forms and photos sent to a wrong address.
AT_ONCE: Final = 2**20
# Between two pieces (256 KB or less) of all larger ones together: at most some 50 MB a second.
PAUSE_SECONDS: Final = 0.005


class RateLimit:
    """ConcurrencyLimit of `PAUSE_SECONDS` each, for everybody who asks for one."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def turn(self) -> None:
        """Wait for the next one that is free."""
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + PAUSE_SECONDS
        await asyncio.sleep(self._free_at - now)


PACE: Final = RateLimit()


def run_in_slow_pool(receive: Receive) -> Receive:
    """A `receive` for a body that is dropped."""
    seen = 0

    async def paced() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > AT_ONCE and message.get("more_body", False):
            await PACE.turn()
        return message

    return paced
