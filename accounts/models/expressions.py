"""Expressions for constraints: in functions that every database program knows, not only Django."""

from __future__ import annotations

from typing import Any

from django.db import models


class DayOfMonth(models.Func):
    """The day of a date, in the database's own words.

    Django's `__day` calls a function that only Django's connections to SQLite know: in a constraint it would
    keep every other program, such as sqlite3, from checking the file.
    """

    template = "EXTRACT(DAY FROM %(expressions)s)"
    output_field = models.IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Dates are texts there: 2026-11-01."""
        return self.as_sql(
            compiler, connection, template="CAST(SUBSTR(%(expressions)s, 9, 2) AS INTEGER)", **context
        )
