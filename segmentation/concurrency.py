"""Counts concurrent threads."""

from __future__ import annotations

import threading
from types import TracebackType


class ActiveThreads:
    """Counts the threads inside its `with` block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    @property
    def several(self) -> bool:
        """Whether more than one thread is inside."""
        return self._inside > 1

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
