"""Retention: deletes jobs older than their plan allows, except pinned ones."""

from __future__ import annotations

import logging
from datetime import timedelta

from accounts.models import Plan
from accounts.selectors import users_of
from jobs import clock
from jobs.models import Job, Receipt
from jobs.services import removal, sweep_clock

logger = logging.getLogger(__name__)

AT_ONCE = 20


def set_pinned(job: Job, pinned: bool) -> None:
    """Exempts a job from retention, or ends the exemption."""
    Job.objects.filter(pk=job.pk).update(pinned=pinned)


def expire() -> int:
    """Deletes the oldest expired jobs, a bounded number per plan. Returns how many.

    The next call continues with the rest. Does nothing while the clock is not trusted.
    """
    if not sweep_clock.is_believable():
        return 0
    return sum(_expire(plan) for plan in Plan.objects.filter(keep_days__isnull=False))


def _expire(plan: Plan) -> int:
    over = (
        Job.objects.filter(
            user__in=users_of(plan),
            pinned=False,
            created_at__lt=clock.now() - timedelta(days=plan.keep_days or 0),
        )
        .exclude(state=Job.State.ACTIVE)
        .order_by("created_at")
    )
    deleted = removal.delete_jobs(list(over.values_list("pk", flat=True)[:AT_ONCE]), Receipt.Reason.EXPIRED)
    if deleted:
        logger.info("deleted %d expired jobs of plan %s", deleted, plan)
    return deleted
