"""How fast an answer must be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Milliseconds below which a request stays."""

    median: float
    p95: float


PEOPLE = Limit(median=50, p95=150)
# Lists over everybody's rows, counted for their pages.
STAFF = Limit(median=100, p95=300)
DOWNLOAD = Limit(median=500, p95=1000)
