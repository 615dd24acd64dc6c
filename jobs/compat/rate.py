"""The pace of a user: so many megapixels a minute, counted in Redis; while that is away nobody is held up."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Final

import redis
from django.conf import settings

from segmentation import result_size
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
# Counted only where it fits: who is refused has not used anything up.
_TAKE: Final = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {0, used} end
used = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {1, used}
"""


@dataclass(frozen=True)
class RateLimit:
    """What is left of a minute. reset: when the next one begins, in Unix time."""

    allowed: bool
    limit: int
    left: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """As every answer shows it; who is refused is told how long to wait."""
        said = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.left),
            "X-RateLimit-Reset": str(self.reset),
        }
        wait = max(1, self.reset - int(time.time()))
        return said if self.allowed else {**said, "Retry-After": str(wait)}


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def megapixels(width: int, height: int, recipe: Recipe) -> int:
    """What a picture of that size counts: its pixels or its result's, whichever are more."""
    across, down = result_size.expected(width, height, recipe)
    return math.ceil(max(width * height, across * down) / 1e6)


def take(user: int, megapixels: int) -> RateLimit:
    """Count `megapixels` against this minute of a user, if they fit.

    A picture larger than all of it fits into a minute of its own.
    """
    limit: int = settings.COMPAT_MEGAPIXELS_A_MINUTE
    minute = _minute()
    cost = min(megapixels, limit)
    try:
        taken, used = _client().eval(_TAKE, 1, _key(user, minute), cost, limit, 2 * WINDOW_SECONDS)
    except redis.RedisError as error:
        logger.warning("the pace is not counted: %s", error)
        return RateLimit(True, limit, limit, _reset(minute))
    return RateLimit(bool(taken), limit, max(0, limit - int(used)), _reset(minute))


def look(user: int) -> RateLimit:
    """What is left of this minute of a user; nothing is counted."""
    limit: int = settings.COMPAT_MEGAPIXELS_A_MINUTE
    minute = _minute()
    try:
        used = int(_client().get(_key(user, minute)) or 0)
    except redis.RedisError as error:
        logger.warning("the pace is not known: %s", error)
        used = 0
    return RateLimit(True, limit, max(0, limit - used), _reset(minute))


def _minute() -> int:
    return int(time.time()) // WINDOW_SECONDS


def _reset(minute: int) -> int:
    return (minute + 1) * WINDOW_SECONDS


def _key(user: int, minute: int) -> str:
    return f"pace:{user}:{minute}"
