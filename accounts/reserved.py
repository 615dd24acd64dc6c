"""How many bytes are reserved for results of a user that are not made yet. The jobs room says how to count.

As with pictures in flight there is no counter: the rows that wait are added up at the moment of asking, so
that nothing has to be given back when a worker dies or a job is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable

_count: Callable[[int], int] | None = None


def count_by(count: Callable[[int], int]) -> None:
    """Say how to count: from a user's number to bytes."""
    global _count
    _count = count


def reserved_of(user: int) -> int:
    """Bytes that results of a user's which are on their way are expected to take."""
    return _count(user) if _count else 0
