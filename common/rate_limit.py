"""The rate limiter: fixed windows, counted in Redis and therefore shared by all web processes.

Its methods raise RedisError where Redis is away. Callers then let the request pass.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from common.redis_client import client

# Counts only what fits: a refused request uses nothing up.
_TAKE: Final = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {0, used} end
used = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {1, used}
"""


@dataclass(frozen=True)
class Window:
    """One window of time. start: in Unix seconds."""

    start: int
    seconds: int

    @property
    def end(self) -> int:
        """When the next window begins, in Unix seconds."""
        return self.start + self.seconds

    def key(self, name: str) -> str:
        """The key of a counter in this window."""
        return f"pace:{name}:{self.start // self.seconds}"

    def count(self, name: str) -> int:
        """Count one request, also beyond any limit. Returns the requests of the window so far."""
        key = self.key(name)
        with client().pipeline() as commands:
            commands.incr(key)
            commands.expire(key, 2 * self.seconds)
            return int(commands.execute()[0])

    def take(self, name: str, cost: int, limit: int) -> tuple[bool, int]:
        """Count `cost` if it fits below `limit`. Returns whether it did, and what is used."""
        taken, used = client().eval(_TAKE, 1, self.key(name), cost, limit, 2 * self.seconds)
        return bool(taken), int(used)

    def give_back(self, name: str, cost: int) -> None:
        """Take back what `take` counted, in the same window."""
        client().decrby(self.key(name), cost)

    def used(self, name: str) -> int:
        """What is used of the window. Counts nothing."""
        return int(client().get(self.key(name)) or 0)


def window(seconds: int, now: float | None = None) -> Window:
    """The window of so many seconds that is open now."""
    now = time.time() if now is None else now
    return Window(int(now // seconds) * seconds, seconds)
