"""A copy of the database can be checked by tools other than Django."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import Usage, User


@pytest.mark.django_db(transaction=True)
def test_sqlite_itself_can_check_the_whole_file(user: User, tmp_path: Path) -> None:
    """Constraints and indexes call no function that only Django defines."""
    if connection.vendor != "sqlite":
        pytest.skip("this database is no file")
    Usage.objects.create(user=user, month=date(2026, 11, 1))
    connection.ensure_connection()
    with sqlite3.connect(tmp_path / "copy.sqlite3") as copy:
        connection.connection.backup(copy)
    copy.close()
    plain = sqlite3.connect(tmp_path / "copy.sqlite3")
    assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert plain.execute("SELECT COUNT(*) FROM accounts_usage").fetchall() == [(1,)]
    plain.close()


@pytest.mark.django_db
def test_a_month_of_usage_begins_on_its_first_day(user: User) -> None:
    Usage(user=user, month=date(2026, 12, 1)).full_clean()
    with pytest.raises(ValidationError, match="usage_month_begins"):
        Usage(user=user, month=date(2026, 12, 11)).full_clean()
