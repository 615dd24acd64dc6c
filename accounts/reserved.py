"""Counts the bytes reserved for a user's pending results, with a counter that the jobs app registers.

As with pictures in flight the counter sums the pending rows on demand, so nothing has to be given back when a
worker dies or a job is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable

_count: Callable[[int], int] | None = None


def register_counter(count: Callable[[int], int]) -> None:
    """Register the counter: it takes a user's id and returns bytes."""
    global _count
    _count = count


def reserved_of(user: int) -> int:
    """Returns the estimated bytes of a user's pending results."""
    return _count(user) if _count else 0
