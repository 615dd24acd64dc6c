"""A shared/exclusive lock over the pictures of one process. A suspect picture runs alone.

See docs/decisions/0010-suspects-run-in-isolation.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# A lock that is waited for without a limit cannot be broken off by a shutdown or a time limit.
POLL_SECONDS: Final = 1.0


class ExclusiveLock:
    """A lock that many share, or one has for itself; who wants it alone goes before new company."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._waiting = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run beside others."""
        with self._changed:
            while self._alone or self._waiting:
                self._changed.wait(POLL_SECONDS)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Run with nobody beside."""
        with self._changed:
            self._waiting += 1
            try:
                while self._alone or self._together:
                    self._changed.wait(POLL_SECONDS)
                self._alone = True
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
