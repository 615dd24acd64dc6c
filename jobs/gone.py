"""Errors that mean that an object was deleted during a request. They are not bugs and become a 404."""

from __future__ import annotations

import sqlite3
from typing import Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError

from jobs.errors import GoneError

# foreign_key_violation: https://www.postgresql.org/docs/current/errcodes-appendix.html
_FOREIGN_KEY: Final = "23503"


def is_gone(error: BaseException) -> bool:
    """Whether an error only means that a row of `jobs` was deleted between reading and writing.

    A service that locks the row raises GoneError. Otherwise the row is not found, or the database refuses a
    foreign key to it.
    """
    if isinstance(error, ObjectDoesNotExist):
        return type(error).__module__.startswith("jobs.models")
    return isinstance(error, GoneError) or (
        isinstance(error, IntegrityError) and _violates_foreign_key(error)
    )


def _violates_foreign_key(error: IntegrityError) -> bool:
    cause = error.__cause__
    if isinstance(cause, sqlite3.IntegrityError):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return getattr(cause, "sqlstate", None) == _FOREIGN_KEY
