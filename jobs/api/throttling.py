"""How many requests a minute an account may make, and how many are left, counted in Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import months
from accounts.models import User
from accounts.selectors import usage_of
from common import rate_limit

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60


@dataclass(frozen=True)
class Budget:
    """Of `quota` in `window` seconds `left` is left, and in `seconds` it begins anew."""

    name: str
    quota: int
    window: int
    left: int
    seconds: int


def headers(budgets: Sequence[Budget]) -> dict[str, str]:
    """RateLimit-Policy and RateLimit as in draft-ietf-httpapi-ratelimit-headers-10."""
    if not budgets:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{one.name}";q={one.quota};w={one.window}' for one in budgets),
        "RateLimit": ", ".join(f'"{one.name}";r={max(0, one.left)};t={one.seconds}' for one in budgets),
    }


def month_of_pictures(user: User) -> list[Budget]:
    """What is left of the pictures and megapixels of the month, where they are limited."""
    now = timezone.now()
    begun = months.this_month()
    window = months.end_of(begun) - datetime(begun.year, begun.month, 1, tzinfo=UTC)
    return [
        Budget(
            meter.name,
            meter.limit,
            round(window.total_seconds()),
            meter.left or 0,
            max(1, round((meter.resets_at - now).total_seconds())),
        )
        for meter in usage_of(user)
        if meter.limit is not None and meter.resets_at is not None
    ]


def count(who: str) -> Budget | None:
    """Count a request; None while Redis is away, and then nobody is held up."""
    now = time.time()
    window = rate_limit.window(WINDOW_SECONDS, now)
    try:
        used = window.count(who)
    except RedisError as error:
        logger.warning("requests are not counted towards the rate limit: %s", error)
        return None
    limit = settings.API_REQUESTS_A_MINUTE
    seconds = max(1, round(window.end - now))
    return Budget("requests", limit, WINDOW_SECONDS, limit - used, seconds)


class RateLimit(BaseThrottle):
    """One budget an account, whatever token or session a request comes with."""

    def __init__(self) -> None:
        self.budget: Budget | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether this request is within the minute's number; the view says in headers what is left."""
        self.budget = count(f"user:{request.user.pk}")
        if self.budget is None:
            return True
        view.budgets = [self.budget]
        return self.budget.left >= 0

    def wait(self) -> float | None:
        """Seconds until it goes on."""
        return None if self.budget is None else float(self.budget.seconds)
