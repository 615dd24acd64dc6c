"""The lease keeper: one thread renews the leases of this process, however long a kernel or codec takes."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, connection

from jobs.queue.line import Line

logger = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews the leases in hand every third of a lease, and calls `on_beat` each time."""

    def __init__(self, on_beat: Callable[[], None]) -> None:
        self._held: dict[UUID, tuple[Line[Any], float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._on_beat = on_beat
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread. Leases that are still held expire."""
        self._stop.set()
        self._thread.join()

    @contextmanager
    def holding(self, line: Line[Any], token: UUID) -> Iterator[None]:
        """Renew this claim of a line while the block runs."""
        with self._lock:
            self._held[token] = line, time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(token, None)

    def longest(self) -> float:
        """For how many seconds the oldest claim in hand has been held; 0 if there is none."""
        with self._lock:
            oldest = min((since for _, since in self._held.values()), default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def _run(self) -> None:
        while not self._stop.wait(settings.LEASE_SECONDS / 3):
            with self._lock:
                held = {token: line for token, (line, _) in self._held.items()}
            try:
                self._renew(held)
            except Error:
                # Tried again at the next beat. If the lease expires meanwhile, only this attempt is lost.
                logger.exception("could not renew %d leases", len(held))
                connection.close()
            self._on_beat()
        connection.close()

    @staticmethod
    def _renew(held: dict[UUID, Line[Any]]) -> None:
        by_line: dict[Line[Any], list[UUID]] = defaultdict(list)
        for token, line in held.items():
            by_line[line].append(token)
        for line, tokens in by_line.items():
            line.renew(tokens)
