"""Trying again what failed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts import locks
from accounts.models import ApiToken
from accounts.selectors import allowed
from accounts.services import quota
from jobs.errors import GoneError
from jobs.models import Job, Picture
from jobs.services import charging, dispatch
from jobs.services.after_commit import after_commit
from jobs.services.deadlocks import again_after_deadlock

# What the file itself is the reason of: the same bytes with the same recipe come to the same end. Refused at
# upload they have no bytes at all any more.
HOPELESS: Final = frozenset(
    {
        "broken_picture",
        "empty_file",
        "too_complex",
        "too_large_for_format",
        "too_large_side",
        "too_many_bytes",
        "too_many_pixels",
        "truncated_picture",
        "unknown_foreground",
        "unsupported_format",
        "unsupported_variant",
    }
)


ENDED_BADLY: Final = (Picture.State.FAILED, Picture.State.CANCELLED)


def worth_trying(job: Job, states: Collection[str] = ENDED_BADLY) -> QuerySet[Picture]:
    """The pictures of a job in one of the states that may come to another end."""
    ended: QuerySet[Picture] = Picture.objects.filter(job=job, state__in=states)
    return ended.exclude(source_key="").exclude(error_code__in=HOPELESS)


def count_worth_trying(job: Job) -> dict[str, int]:
    """How many of a job's failed and of its cancelled pictures may come to another end."""
    counted = worth_trying(job).order_by().values_list("state").annotate(n=Count("pk"))
    return {**{state.value: 0 for state in ENDED_BADLY}, **dict(counted)}


@again_after_deadlock
def retry_failed(job: Job, *, token: ApiToken | None = None, states: Collection[str] = ENDED_BADLY) -> int:
    """Queue the failed and cancelled pictures of a job again, or those in one of the states; how many.

    What can never succeed stays failed. What was refunded is charged again. Raises QuotaExceededError where
    that is more than the plan allows, GoneError where the job was deleted; nothing is written then.
    """
    with transaction.atomic():
        locks.hold_user(job.user_id)
        if not locks.hold(Job.objects.filter(pk=job.pk)):
            raise GoneError
        held = locks.fetch_held(worth_trying(job, states))
        most = allowed(job.user)
        quota.check_in_flight(job.user, len(held), most=most)
        unpaid = [picture for picture in held if picture.charged_at is None]
        again = Picture.objects.filter(pk__in=[picture.pk for picture in held]).update(
            state=Picture.State.QUEUED,
            error_code="",
            error_sentence="",
            attempts=0,
            not_before=None,
            dispatched_at=None,
            finished_at=None,
            queued_at=timezone.now(),
        )
        if again:
            Job.objects.filter(pk=job.pk).update(state=Job.State.ACTIVE, finished_at=None)
            after_commit(dispatch.top_up, job.user_id)
        charged_at = charging.charge(job.user, job.pk, unpaid, token=token, most=most, reason="tried again")
        if unpaid:
            Picture.objects.filter(pk__in=[picture.pk for picture in unpaid]).update(charged_at=charged_at)
        if again:
            quota.check_reserved(job.user, most=most)
    return again
