"""Expressions for database constraints, in functions that every SQL client has."""

from __future__ import annotations

from typing import Any

from django.db import models


class DayOfMonth(models.Func):
    """The day of a date, by the database's own function.

    Django's `__day` calls a function that exists only on Django's connections to SQLite. In a constraint it
    would stop every other client, such as sqlite3, from checking the file.
    """

    template = "EXTRACT(DAY FROM %(expressions)s)"
    output_field = models.IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite stores dates as text: 2026-11-01."""
        return self.as_sql(
            compiler, connection, template="CAST(SUBSTR(%(expressions)s, 9, 2) AS INTEGER)", **context
        )
