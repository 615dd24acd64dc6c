"""Retries with back-off for database work that must not be lost while the database restarts."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS: Final = 60.0
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
# PostgreSQL's operational errors that stay: class 54, program limit exceeded. A missing column is not an
# operational error there.
_WRONG_CLASSES: Final = ("54",)


def is_away(error: BaseException) -> bool:
    """Whether the database is away, full or busy, so that a retry may succeed.

    Django uses the same class for wrong statements on SQLite, such as a missing column: no retry helps there.
    """
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    # The lowest byte of SQLite's extended codes is the code itself: https://www.sqlite.org/rescode.html
    if getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_ERROR:
        return False
    return not (getattr(cause, "sqlstate", None) or "").startswith(_WRONG_CLASSES)


def with_retries(act: Callable[[], T]) -> T:
    """Returns what `act` returns. Calls it again with growing pauses while the database is away.

    `act` must be idempotent: a commit may have succeeded although its answer was lost. Raises the last error
    after RETRY_SECONDS, and an error that a retry does not help at once.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    pause = FIRST_PAUSE
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            # Inside a transaction only its owner can begin again.
            if not is_away(error) or connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("the database is unavailable; retrying in %.1f s: %s", pause, error)
        connection.close()
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
