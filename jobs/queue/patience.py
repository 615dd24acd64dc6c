"""Patience with a database that restarts: what must be written is tried again until it stands."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60.0
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
# Of PostgreSQL's operational errors those of a statement that no waiting makes right: class 54, a limit of
# the program itself. A missing column is no operational error there.
_WRONG_CLASSES: Final = ("54",)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is gone, full or busy for a moment, so that waiting may help.

    Django has one class for that and for SQLite's wrong statements (a missing column): those never get right,
    and waiting for them would be for ever.
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
    """What `act` returns, called again with growing pauses where the database is away.

    `act` must be safe to run twice: a commit whose answer was lost may stand. Raises the database's last
    error after PATIENCE_SECONDS, and at once what waiting does not mend.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            # In a transaction of the caller's only the caller can begin again.
            if not is_away(error) or connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("the database is away, once more in %.1f s: %s", pause, error)
        connection.close()
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
