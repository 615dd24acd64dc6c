"""The database's clock, which all processes share.

Machines disagree about the time, and a clock may be set forward or back. Times that processes compare with
each other (leases, back-off, when a message was sent) come from this clock only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts import locks


def now() -> datetime:
    """The database's time."""
    # SQLite runs in this process and uses this machine's clock.
    return _of_server() if connection.vendor == "postgresql" else datetime.now(UTC)


def passed(field: str, most: timedelta) -> Q:
    """Rows whose time in `field` has come, or is implausibly far in the future.

    most: the longest time ahead that is ever set. A later time was set before the clock was turned back, and
    counts as passed.
    """
    at = now()
    return Q(**{f"{field}__lte": at}) | Q(**{f"{field}__gt": at + most})


def older(field: str, least: timedelta) -> Q:
    """Rows whose time in `field` is longer ago than `least`, or as far in the future, which means that it was
    set before the clock was turned back.
    """
    at = now()
    return Q(**{f"{field}__lt": at - least}) | Q(**{f"{field}__gt": at + abs(least)})


def cap_future_times(rows: QuerySet[Any], field: str, most: timedelta) -> int:
    """Moves times that are more than `most` ahead back to that limit. Returns the number of rows.

    `most` is the longest time ahead that is ever set. Later times were set before the clock was turned back,
    and rows would wait too long.
    """
    latest = now() + most
    with transaction.atomic():
        # Locked rows are left to the next tick.
        held = locks.hold(rows.filter(**{f"{field}__gt": latest}), skip_locked=True)
        return rows.filter(pk__in=held).update(**{field: latest}) if held else 0


def _of_server() -> datetime:
    with connection.cursor() as cursor:
        # Not now(), which is the start of the transaction.
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found
