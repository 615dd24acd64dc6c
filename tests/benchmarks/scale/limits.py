"""Limits on response times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Upper bounds of a request's time, in milliseconds."""

    median: float
    p95: float


PEOPLE = Limit(median=50, p95=150)
# Lists over all users' rows, counted for pagination.
STAFF = Limit(median=100, p95=300)
DOWNLOAD = Limit(median=500, p95=1000)
