"""Large bodies take turns: each is in memory some three times while it is read, and many may come at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from django.http import HttpRequest

# Set on a request by bgplatform/fast_path.py: how many bytes of its body wait in a file.
RECEIVED: Final = "received_bytes"
# What is read at once, of all users together.
MOST: Final = 32 * 2**20


class Room:
    """At most `most` bytes are held at once; who needs more holds them alone. In the order of asking."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """A block that holds so many bytes, in the event loop of all the others."""
        size = min(size, self.most)
        if self._waiting or self.held + size > self.most:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give_back(size)  # it was given the turn at this very moment
                else:
                    self._waiting.remove((size, turn))
                    self._let_in()
                raise
        else:
            self.held += size
        try:
            yield
        finally:
            self._give_back(size)

    def _give_back(self, size: int) -> None:
        self.held -= size
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.held + self._waiting[0][0] <= self.most:
            wanted, turn = self._waiting[0]
            if turn.cancelled():
                return  # whoever was cancelled goes on here
            self._waiting.popleft()
            self.held += wanted
            turn.set_result(None)


ROOM: Final = Room(MOST)


def room_for(request: HttpRequest) -> AbstractAsyncContextManager[None]:
    """A block in which the body of a request may be read."""
    return ROOM.of(getattr(request, RECEIVED, 0))
