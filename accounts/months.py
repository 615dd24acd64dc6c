"""Months for counting usage. They begin in UTC, the same moment for everybody, whatever time zone a page
shows.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.utils import timezone


def month_of(moment: datetime) -> date:
    """Returns the first day of a moment's month."""
    return moment.astimezone(UTC).date().replace(day=1)


def this_month() -> date:
    """Returns the first day of the current month."""
    return month_of(timezone.now())


def end_of(month: date) -> datetime:
    """Returns when the counters of a month reset."""
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime(following.year, following.month, 1, tzinfo=UTC)
