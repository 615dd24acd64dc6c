"""Months, in which usage is counted. They begin in UTC: one moment for everybody, whatever the page shows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.utils import timezone


def month_of(moment: datetime) -> date:
    """The first day of the month in which a moment lies."""
    return moment.astimezone(UTC).date().replace(day=1)


def this_month() -> date:
    """The first day of the month that it is."""
    return month_of(timezone.now())


def end_of(month: date) -> datetime:
    """When the counters of a month are over."""
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime(following.year, following.month, 1, tzinfo=UTC)
