"""What was deleted while a request was about it: no fault of ours, and no error 500."""

from __future__ import annotations

import sqlite3
from typing import Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError

from jobs.errors import GoneError

# foreign_key_violation: https://www.postgresql.org/docs/current/errcodes-appendix.html
_FOREIGN_KEY: Final = "23503"


def is_gone(error: BaseException) -> bool:
    """Whether an error only says that something of this room was deleted between the look and the act.

    A service that locks what it changes says GoneError. Else the row is not found, or its database refuses a
    row that refers to it.
    """
    if isinstance(error, ObjectDoesNotExist):
        return type(error).__module__.startswith("jobs.models")
    return isinstance(error, GoneError) or (isinstance(error, IntegrityError) and _refers_to_nothing(error))


def _refers_to_nothing(error: IntegrityError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.IntegrityError):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return getattr(cause, "sqlstate", None) == _FOREIGN_KEY
