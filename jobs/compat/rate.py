"""The pace of a user: so many megapixels a minute, counted in Redis; while that is away nobody is held up."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from redis.exceptions import RedisError

from common import rate_limit
from segmentation import result_size
from segmentation.recipe import Recipe

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60


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


def megapixels(width: int, height: int, recipe: Recipe) -> int:
    """What a picture of that size counts: its pixels or its result's, whichever are more."""
    across, down = result_size.expected(width, height, recipe)
    return math.ceil(max(width * height, across * down) / 1e6)


def take(user: int, megapixels: int) -> RateLimit:
    """Count `megapixels` against this minute of a user, if they fit.

    A picture larger than all of it fits into a minute of its own.
    """
    limit: int = settings.COMPAT_MEGAPIXELS_A_MINUTE
    window = rate_limit.window(WINDOW_SECONDS)
    cost = min(megapixels, limit)
    try:
        taken, used = window.take(str(user), cost, limit)
    except RedisError as error:
        logger.warning("requests are not counted towards the rate limit: %s", error)
        return RateLimit(True, limit, limit, window.end)
    return RateLimit(taken, limit, max(0, limit - used), window.end)


def look(user: int) -> RateLimit:
    """What is left of this minute of a user; nothing is counted."""
    limit: int = settings.COMPAT_MEGAPIXELS_A_MINUTE
    window = rate_limit.window(WINDOW_SECONDS)
    try:
        used = window.used(str(user))
    except RedisError as error:
        logger.warning("the rate limit cannot be read: %s", error)
        used = 0
    return RateLimit(True, limit, max(0, limit - used), window.end)
