"""How many requests a minute an account may make, and how many are left, counted in Redis."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
POLICY: Final = "requests"


@dataclass(frozen=True)
class Left:
    """What is left of a minute: requests, and seconds until it begins anew."""

    limit: int
    requests: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """RateLimit-Policy and RateLimit as in draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"{POLICY}";r={max(0, self.requests)};t={self.seconds}',
        }


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def count(who: str) -> Left | None:
    """Count a request; None while Redis is away, and then nobody is held up."""
    now = time.time()
    key = f"pace:{who}:{int(now // WINDOW_SECONDS)}"
    try:
        with _client().pipeline() as commands:
            commands.incr(key)
            commands.expire(key, 2 * WINDOW_SECONDS)
            used = int(commands.execute()[0])
    except redis.RedisError as error:
        logger.warning("requests are not counted: %s", error)
        return None
    limit = settings.API_REQUESTS_A_MINUTE
    return Left(limit, limit - used, max(1, round(WINDOW_SECONDS - now % WINDOW_SECONDS)))


class Pace(BaseThrottle):
    """One budget an account, whatever token or session a request comes with."""

    def __init__(self) -> None:
        self.left: Left | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether this request is within the minute's number; the view says in headers what is left."""
        self.left = count(f"user:{request.user.pk}")
        view.pace = self.left  # for finalize_response
        return self.left is None or self.left.requests >= 0

    def wait(self) -> float | None:
        """Seconds until it goes on."""
        return None if self.left is None else float(self.left.seconds)
