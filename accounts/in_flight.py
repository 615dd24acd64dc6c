"""How many pictures of a user are on their way. The jobs room knows, and says at start how to find out.

This room imports nothing of that one: what is in flight is counted in its rows, at the moment of asking, so
that no counter can go wrong when a worker dies.
"""

from __future__ import annotations

from collections.abc import Callable

_count: Callable[[int], int] | None = None


def count_by(count: Callable[[int], int]) -> None:
    """Say how to count: from a user's number to pictures that wait or run."""
    global _count
    _count = count


def in_flight_of(user: int) -> int:
    """Pictures of a user that wait or run."""
    return _count(user) if _count else 0
