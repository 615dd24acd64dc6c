"""Keeping leases: one thread renews whatever this process works on, however long a kernel or codec takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import Error, connection

from jobs.queue import claims, rendition_dispatch

logger = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews the leases in hand, every third of a lease, and calls `on_beat` each time."""

    def __init__(self, on_beat: Callable[[], None]) -> None:
        self._tokens: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._on_beat = on_beat
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> None:
        """Begin renewing."""
        self._thread.start()

    def stop(self) -> None:
        """End renewing; what is still held lapses by itself."""
        self._stop.set()
        self._thread.join()

    @contextmanager
    def holding(self, token: UUID) -> Iterator[None]:
        """Renew this claim for as long as the block runs."""
        with self._lock:
            self._tokens[token] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._tokens.pop(token, None)

    def longest(self) -> float:
        """For how many seconds the oldest claim in hand has been held; 0 where there is none."""
        with self._lock:
            oldest = min(self._tokens.values(), default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def _run(self) -> None:
        while not self._stop.wait(settings.LEASE_SECONDS / 3):
            with self._lock:
                tokens = list(self._tokens)
            try:
                if tokens:
                    claims.renew(tokens)
                    rendition_dispatch.renew(tokens)
            except Error:
                # Tried again at the next beat; a lease that lapses meanwhile drops its result, loses nothing.
                logger.exception("could not renew %d leases", len(tokens))
                connection.close()
            self._on_beat()
        connection.close()
