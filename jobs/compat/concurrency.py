"""So many at once for each user, counted in this process: what one holds up is not held up for the others."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Final

from jobs.compat.errors import AGAIN_SECONDS, CompatError

# How often who waits looks whether a turn was given back.
LOOK_SECONDS: Final = 0.05


class ConcurrencyLimit:
    """At most `most` for each user, who is told `sentence` where there are more. Threads may share it."""

    def __init__(self, most: int, sentence: str) -> None:
        self.most = most
        self.sentence = sentence
        self._lock = Lock()
        self._held: Counter[int] = Counter()

    def check(self, user: int) -> None:
        """Raise CompatError `rate_limit_exceeded` where the user holds all of them."""
        if self._held[user] >= self.most:
            raise CompatError("rate_limit_exceeded", self.sentence, {"Retry-After": AGAIN_SECONDS})

    def take(self, user: int) -> Callable[[], None]:
        """One more, and how to give it back (once, in any thread). Raises as `check` does."""
        with self._lock:
            self.check(user)
            self._held[user] += 1
        return partial(self._give_back, user)

    async def awaited(self, user: int, seconds: float) -> Callable[[], None]:
        """What `take` returns, waited for as long as that. Raises as `check` does."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                return self.take(user)
            except CompatError:
                await asyncio.sleep(LOOK_SECONDS)
        return self.take(user)

    @contextmanager
    def held(self, user: int) -> Iterator[None]:
        """A block that takes one. Raises as `check` does."""
        give_back = self.take(user)
        try:
            yield
        finally:
            give_back()

    def _give_back(self, user: int) -> None:
        with self._lock:
            self._held[user] -= 1
            if not self._held[user]:
                del self._held[user]
