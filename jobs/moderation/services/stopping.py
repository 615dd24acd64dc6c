"""Stops the work of suspended accounts."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import locks
from accounts.models import User
from accounts.services import suspension
from jobs.errors import GoneError
from jobs.models import Job, Picture, RenditionRequest
from jobs.services import charging, discards, removal, rendition_files

logger = logging.getLogger(__name__)

AT_ONCE: Final = 100
# Nothing new comes in after the suspension, so the sweep need not look at old ones for ever.
SWEPT_FOR: Final = timedelta(days=7)


def stop_work(user: int) -> int:
    """Cancels an account's active jobs and rendition requests, the first AT_ONCE of each. Returns how many.

    `sweep` goes on with the rest. Safe to run twice.
    """
    stopped = 0
    for job in Job.objects.filter(user=user, state=Job.State.ACTIVE)[:AT_ONCE]:
        try:
            removal.cancel(job)
        except GoneError:
            continue
        stopped += 1
    return stopped + _drop_requests(user)


def sweep() -> int:
    """Cancels work that suspended accounts still have: submitted at the last moment, or left by a process
    that died. Returns how many jobs and requests.
    """
    suspended = User.objects.filter(
        suspension.in_force(), suspended_at__gt=timezone.now() - SWEPT_FOR
    ).values("pk")
    owners = {
        *Job.objects.filter(user__in=suspended, state=Job.State.ACTIVE).values_list("user", flat=True)[
            :AT_ONCE
        ],
        *_open_requests().filter(user__in=suspended).values_list("user", flat=True)[:AT_ONCE],
    }
    stopped = sum(stop_work(user) for user in sorted(owners))
    if stopped:
        logger.info("cancelled %d jobs and requests of suspended accounts", stopped)
    return stopped


def _open_requests() -> QuerySet[RenditionRequest]:
    rows: QuerySet[RenditionRequest] = RenditionRequest.objects.filter(
        state__in=[RenditionRequest.State.QUEUED, RenditionRequest.State.RUNNING]
    )
    return rows


def _drop_requests(user: int) -> int:
    mine = _open_requests().filter(user=user)
    chosen = list(mine.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not chosen:
        return 0
    with transaction.atomic():
        locks.hold(Picture.objects.filter(rendition_requests__in=chosen))
        rows = locks.fetch_held(mine.filter(pk__in=chosen), to_delete=True)
        dropped = RenditionRequest.objects.filter(pk__in=[row.pk for row in rows])
        charging.take_back(dropped, "cancelled")
        discards.discard(key for row in rows for key in rendition_files.keys_of_attempt(row))
        dropped.delete()
    return len(rows)
