"""The database: reachable, migrated, on the same time as this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from bgplatform.doctor.finding import Finding, error, ok, warning

CLOCK_SECONDS: Final = 2.0


def check() -> Iterator[Finding]:
    """Yields the findings. Later checks are left out where the database does not answer."""
    try:
        connection.ensure_connection()
        version = ".".join(str(part) for part in connection.get_database_version())
        plan = _unapplied()
    except DatabaseError as problem:
        yield error(
            "database", f"The database does not answer: {problem}", "Check DATABASE_URL and the server."
        )
        return
    yield ok("database", f"{connection.display_name} {version} answers.")
    if plan:
        yield error(
            "migrations",
            f"{len(plan)} migrations are not applied, the first is {plan[0]}.",
            "Run manage.py migrate.",
        )
    else:
        yield ok("migrations", "All migrations are applied.")
    if connection.vendor == "postgresql":
        yield _clock()


def _unapplied() -> list[str]:
    executor = MigrationExecutor(connection)
    steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in steps]


def _clock() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    return clock_finding("database clock", abs((datetime.now(UTC) - theirs).total_seconds()))


def clock_finding(check: str, apart: float) -> Finding:
    """Returns the finding for a clock that differs by this many seconds from this machine's."""
    if apart <= CLOCK_SECONDS:
        return ok(check, f"It differs by {apart:.1f} s from this machine's.")
    return warning(
        check,
        f"It differs by {apart:.0f} s from this machine's.",
        "Synchronise both clocks, for instance by chrony.",
    )
