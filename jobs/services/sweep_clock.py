"""Checks that the clock is plausible before anything is deleted by age.

A clock that is set a year ahead for a minute makes every row a year old. So each sweep records the database's
time, and the next one deletes nothing if the clock has moved by more than SWEEP_MAX_STEP_DAYS since.
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
    """Returns the database's time at the last allowed sweep. None if there was none."""
    return LastRun.objects.filter(name=SWEEP).values_list("at", flat=True).first()


def is_believable() -> bool:
    """Returns whether a sweep may delete by age now. Records the time if so, and logs the reason if not.

    A step back is allowed: it makes no row older.
    """
    now, before = clock.now(), last()
    if before is not None and now - before > timedelta(days=settings.SWEEP_MAX_STEP_DAYS):
        logger.error(
            "The clock moved %d days ahead since the last sweep (from %s to %s), so nothing is deleted by "
            "age. If the clock is wrong, correct it. If it is right (the site was off for that long), run: "
            "manage.py sweep_clock --accept",
            (now - before).days,
            before.isoformat(" ", "seconds"),
            now.isoformat(" ", "seconds"),
        )
        return False
    _note(now)
    return True


def accept() -> datetime:
    """Trusts the database's clock however far it moved. Returns its time."""
    now = clock.now()
    _note(now)
    return now


def _note(now: datetime) -> None:
    LastRun.objects.update_or_create(name=SWEEP, defaults={"at": now})
