"""Retries while the database is away."""

from __future__ import annotations

import sqlite3
from unittest.mock import patch

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection

from jobs.queue.retries import RETRY_SECONDS, is_away, with_retries

pytestmark = pytest.mark.django_db(transaction=True)


def caused_by(cause: Exception) -> OperationalError:
    error = OperationalError("it broke")
    error.__cause__ = cause
    return error


def sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("it broke")
    error.sqlite_errorcode = code
    return error


class TooComplexError(Exception):
    sqlstate = "54001"


class ShutsDownError(Exception):
    sqlstate = "57P01"


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError("connection refused"), True),
        (InterfaceError("the connection is closed"), True),
        (caused_by(ShutsDownError()), True),
        (caused_by(sqlite(sqlite3.SQLITE_BUSY)), True),
        (caused_by(sqlite(sqlite3.SQLITE_IOERR_READ)), True),
        (caused_by(sqlite(sqlite3.SQLITE_ERROR)), False),
        (caused_by(TooComplexError()), False),
        (IntegrityError("twice"), False),
        (ProgrammingError("no such column"), False),
        (ValueError("nothing of the database's"), False),
    ],
)
def test_which_errors_are_retried(error: Exception, away: bool) -> None:
    assert is_away(error) is away


def test_a_missing_column_is_not_retried() -> None:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM jobs_picture")

    with patch("time.sleep") as sleep, pytest.raises((OperationalError, ProgrammingError)) as wrong:
        with_retries(ask)
    sleep.assert_not_called()
    assert not is_away(wrong.value)


class Away:
    """Raises the given errors one after the other, then returns "there"."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def __call__(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "there"


def test_pauses_grow() -> None:
    away = Away(OperationalError("gone"), InterfaceError("closed"), OperationalError("starting up"))
    with patch("time.sleep") as sleep:
        assert with_retries(away) == "there"
    assert [call.args[0] for call in sleep.call_args_list] == [0.2, 0.4, 0.8]


def test_a_wrong_statement_is_not_retried() -> None:
    with patch("time.sleep") as sleep, pytest.raises(IntegrityError):
        with_retries(Away(IntegrityError("twice")))
    sleep.assert_not_called()


def test_retries_end() -> None:
    with (
        patch("time.sleep") as sleep,
        patch("time.monotonic", side_effect=[0.0, RETRY_SECONDS]),
        pytest.raises(OperationalError),
    ):
        with_retries(Away(OperationalError("gone")))
    sleep.assert_not_called()
