"""Deadlocks: the database ends one of two transactions that wait for each other, and that one begins again.

The order of locks (accounts/locks.py) keeps them from happening; this is for what the order does not see,
such as the checks of foreign keys at a commit.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import OperationalError, connection

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TRIES: Final = 5
FIRST_PAUSE: Final = 0.02
# deadlock_detected and serialization_failure: https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES: Final = ("40P01", "40001")


def is_deadlock(error: BaseException) -> bool:
    """Whether the database ended a transaction because of another one, so that it may simply begin again."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) in _STATES


def again_after_deadlock(act: Callable[P, T]) -> Callable[P, T]:
    """Decorates what is one transaction: after a deadlock it begins again, TRIES times in all, with pauses.

    In a transaction of the caller's it does not: all of that is rolled back, and only the caller can begin
    again.
    """

    @wraps(act)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for number in range(1, TRIES):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not is_deadlock(error):
                    raise
                logger.warning("%s is retried after a deadlock (%d)", act.__name__, number)
            time.sleep(FIRST_PAUSE * 2**number * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
        return act(*args, **kwargs)

    return tried
