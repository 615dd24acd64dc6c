"""Counts a user's pictures in flight, with a counter that the jobs app registers at start-up.

This app does not import jobs. The counter queries the pictures' rows on demand, so no stored count can go
wrong when a worker dies.
"""

from __future__ import annotations

from collections.abc import Callable

_count: Callable[[int], int] | None = None


def register_counter(count: Callable[[int], int]) -> None:
    """Register the counter: it takes a user's id and returns the number of queued and running pictures."""
    global _count
    _count = count


def in_flight_of(user: int) -> int:
    """Returns the number of a user's queued and running pictures."""
    return _count(user) if _count else 0
