"""Health of the file store for /readyz, cached for a few seconds."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final

from django.core.files.storage import storages

from jobs import storage
from jobs.queue import circuit
from jobs.storage import StoreFullError, StoreUnavailableError

FRESH_SECONDS: Final = 2.0
# While one request waits for a store that hangs, the others wait at most this long.
WAIT_SECONDS: Final = 2.0

AWAY: Final = "does not answer or is not writable"
FULL: Final = "is full; uploads are refused"


@dataclass(frozen=True)
class _Answer:
    store: object
    at: float
    problem: str | None


_last: _Answer | None = None
_asking = threading.Lock()


def problem() -> str | None:
    """Returns what is wrong with the store in a few words, or None if it works and has room."""
    if (known := _fresh()) is None:
        if not _asking.acquire(timeout=WAIT_SECONDS):
            return AWAY
        try:
            known = _fresh() or _ask()
        finally:
            _asking.release()
    if known.problem is None and circuit.is_open():
        # A worker could not write a moment ago. The probe here does not write to S3.
        return AWAY
    return known.problem


def _fresh() -> _Answer | None:
    if _last is None or _last.store is not storages["default"]:
        return None
    return _last if time.monotonic() - _last.at < FRESH_SECONDS else None


def _ask() -> _Answer:
    global _last
    found = None
    try:
        storage.check_room(0)
        storage.probe()
    except StoreFullError:
        found = FULL
    except StoreUnavailableError:
        found = AWAY
    _last = _Answer(storages["default"], time.monotonic(), found)
    return _last
