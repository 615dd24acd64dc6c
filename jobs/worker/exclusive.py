"""A shared/exclusive lock over the tasks of one process. A row that was tried before runs alone.

See docs/decisions/0010-suspects-run-in-isolation.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Wait in steps: a shutdown or time limit cannot interrupt a wait without a time-out.
POLL_SECONDS: Final = 1.0


class ExclusiveLock:
    """A lock that many share or one holds alone. A waiting exclusive holder goes before new shared ones."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._waiting = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the lock together with others."""
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
        """Hold the lock alone."""
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
