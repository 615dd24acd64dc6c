"""A memory budget for large bodies: parsing one takes about three times its size, and there may be many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from django.http import HttpRequest

# Set by bgplatform/fast_path.py: how many bytes of the body are in its temporary file.
RECEIVED: Final = "received_bytes"
# The limit for all users together.
MAX_BYTES: Final = 32 * 2**20


class MemoryBudget:
    """A semaphore over bytes, first come, first served. A request larger than the limit runs alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Holds that many bytes. All users must share one event loop."""
        size = min(size, self.most)
        if self._waiting or self.held + size > self.most:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give_back(size)  # granted at the moment of the cancellation
                else:
                    self._waiting.remove((size, turn))
                    self._admit()
                raise
        else:
            self.held += size
        try:
            yield
        finally:
            self._give_back(size)

    def _give_back(self, size: int) -> None:
        self.held -= size
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.held + self._waiting[0][0] <= self.most:
            wanted, turn = self._waiting[0]
            if turn.cancelled():
                return  # the cancelled waiter continues this loop itself
            self._waiting.popleft()
            self.held += wanted
            turn.set_result(None)


BODY_MEMORY: Final = MemoryBudget(MAX_BYTES)


def reserve_memory(request: HttpRequest) -> AbstractAsyncContextManager[None]:
    """Holds the memory that reading the body of a request needs."""
    return BODY_MEMORY.hold(getattr(request, RECEIVED, 0))
