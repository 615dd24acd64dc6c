"""The database's clock: the one clock that all processes share.

Machines disagree about the time, and a clock may be set forward or back. What one process writes for another
to compare with (leases, back-off, when a message was sent) uses this clock and no other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts import locks


def now() -> datetime:
    """The database's time."""
    # SQLite runs in this process: its clock is this machine's.
    return _of_server() if connection.vendor == "postgresql" else datetime.now(UTC)


def passed(field: str, most: timedelta) -> Q:
    """Rows whose moment in `field` has come: it is over, or further away than anybody sets it.

    most: the longest time ahead that is ever set. What is further away was set before the clock went back,
    and waits no longer.
    """
    at = now()
    return Q(**{f"{field}__lte": at}) | Q(**{f"{field}__gt": at + most})


def older(field: str, least: timedelta) -> Q:
    """Rows whose moment in `field` is longer ago than `least`, or as far in the future: set before the clock
    went back."""
    at = now()
    return Q(**{f"{field}__lt": at - least}) | Q(**{f"{field}__gt": at + abs(least)})


def rein_in(rows: QuerySet[Any], field: str, most: timedelta) -> int:
    """Bring moments back that are further away than `most`, the longest time that is ever set; how many rows.

    They were set before the clock went back, and would otherwise be waited for as long as it went.
    """
    latest = now() + most
    with transaction.atomic():
        # What somebody else holds is looked at again by the next tick.
        held = locks.hold(rows.filter(**{f"{field}__gt": latest}), skip_locked=True)
        return rows.filter(pk__in=held).update(**{field: latest}) if held else 0


def _of_server() -> datetime:
    with connection.cursor() as cursor:
        # Not now(), which is when the transaction began.
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found
