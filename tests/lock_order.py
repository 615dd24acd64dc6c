"""Checks locks in every test: a transaction that takes one out of order fails, on SQLite as well.

SQLite locks no rows, so only this check finds there what would deadlock on PostgreSQL.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from accounts import locks


class OutOfOrderError(AssertionError):
    """A lock was taken after one that must come later."""


class Watch:
    """The locks of each thread's transaction, as reported by accounts/locks.py."""

    def __init__(self) -> None:
        self._local = threading.local()

    def __call__(self, label: str, keys: Collection[Any]) -> None:
        """Record a lock. Raises OutOfOrderError."""
        own = [block for block in connection.atomic_blocks if not block._from_testcase]
        if not own:
            raise OutOfOrderError(f"{label} is locked outside of a transaction")
        outermost = own[0]
        if getattr(self._local, "transaction", None) is not outermost:
            self._local.transaction, self._local.held = outermost, {}
        held: dict[str, set[Any]] = self._local.held
        mine = held.setdefault(label, set())
        if set(keys) <= mine:
            return
        place = locks.ORDER.index(label)
        later = [other for other in held if locks.ORDER.index(other) > place]
        if later:
            raise OutOfOrderError(f"{label} is locked after {', '.join(later)}")
        if mine and min(keys) < max(mine):
            raise OutOfOrderError(f"more of {label} is locked, and not in the order of keys")
        mine.update(keys)


@contextmanager
def check_locks() -> Iterator[None]:
    """A block in which every lock is checked."""
    before, locks.watch = locks.watch, Watch()
    try:
        yield
    finally:
        locks.watch = before
