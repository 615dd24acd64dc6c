"""Patience with a database that restarts: what must be written is tried again until it stands."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")

# What Django raises where the connection is gone or refused, not where a statement is wrong.
DATABASE_AWAY: Final = (OperationalError, InterfaceError)
PATIENCE_SECONDS: Final = 60.0
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0


def patiently(act: Callable[[], T]) -> T:
    """What `act` returns, called again with growing pauses where the database is away.

    `act` must be safe to run twice: a commit whose answer was lost may stand. Raises the database's last
    error after PATIENCE_SECONDS.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE
    while True:
        try:
            return act()
        except DATABASE_AWAY as error:
            # In a transaction of the caller's only the caller can begin again.
            if connection.in_atomic_block or time.monotonic() + pause > deadline:
                raise
            logger.warning("the database is away, once more in %.1f s: %s", pause, error)
        connection.close()
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
