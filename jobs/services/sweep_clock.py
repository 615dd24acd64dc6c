"""Whether the clock can be believed before anything is deleted because of its age.

A clock that is set a year ahead for a minute makes everything a year old. So each sweep notes the database's
time, and the next one refuses to delete where the clock went further than SWEEP_MAX_STEP_DAYS since.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from jobs import clock
from jobs.models import LastRun

logger = logging.getLogger(__name__)

SWEEP: Final = "sweep"


def last() -> datetime | None:
    """The database's time at the last sweep that was allowed; None where there was none."""
    return LastRun.objects.filter(name=SWEEP).values_list("at", flat=True).first()


def is_believable() -> bool:
    """Whether a sweep may delete by age now. Notes the time where it may, and logs why where it may not.

    A step back is believed: it makes nothing old.
    """
    now, before = clock.now(), last()
    if before is not None and now - before > timedelta(days=settings.SWEEP_MAX_STEP_DAYS):
        logger.error(
            "The clock went %d days ahead since the last sweep (from %s to %s), so nothing is deleted by its "
            "age. If the clock is wrong, set it right. If it is right (the site was off for so long), run: "
            "manage.py sweep_clock --accept",
            (now - before).days,
            before.isoformat(" ", "seconds"),
            now.isoformat(" ", "seconds"),
        )
        return False
    _note(now)
    return True


def accept() -> datetime:
    """Take the database's clock for right, however far it went; what it says now."""
    now = clock.now()
    _note(now)
    return now


def _note(now: datetime) -> None:
    LastRun.objects.update_or_create(name=SWEEP, defaults={"at": now})
