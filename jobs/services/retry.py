"""Trying again what failed."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts import locks
from accounts.errors import QuotaExceededError
from accounts.models import ApiToken
from accounts.selectors import Allowed, allowed
from accounts.services import quota
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs.errors import GoneError
from jobs.models import Job, Picture
from jobs.services import charging, lines, slices

logger = logging.getLogger(__name__)

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


def retry_failed(job: Job, *, token: ApiToken | None = None, states: Collection[str] = ENDED_BADLY) -> int:
    """Queue the failed and cancelled pictures of a job again, or those in one of the states; how many.

    What can never succeed stays failed. What was refunded is charged again. Raises QuotaExceededError where
    that is more than the plan allows, GoneError where the job was deleted; nothing is written then. Many
    pictures are queued in slices; what a process that died left out can be tried again once more.
    """
    rest = _Rest(job, token, states)
    count = worth_trying(job, states).count()
    if not rest.queue_slice(check_all=count > slices.PICTURES):
        return min(count, slices.PICTURES) if rest.last >= 0 else 0
    after_commit(rest.queue_others)
    return count


class _Rest:
    """The pictures of a job that are to be tried again, from one position on."""

    def __init__(self, job: Job, token: ApiToken | None, states: Collection[str]) -> None:
        self.job, self.token, self.states = job, token, states
        self.last = -1

    def queue_others(self) -> None:
        """Queue all that are left, until the job is cancelled or a limit is reached."""
        try:
            slices.run(self.queue_slice)
        except (QuotaExceededError, GoneError) as error:
            logger.info("job %s is tried again in part: %s", self.job.pk, error)

    @again_after_deadlock
    def queue_slice(self, *, check_all: bool = False) -> bool:
        """Queue the next pictures, in one transaction; whether there may be more.

        check_all: refuse unless everything that is left fits into the limits.
        """
        job = self.job
        with transaction.atomic():
            locks.hold_user(job.user_id)
            now = locks.fetch_held(Job.objects.filter(pk=job.pk))
            if not now:
                raise GoneError
            if self.last >= 0 and now[0].state == Job.State.CANCELLED:
                return False
            left = worth_trying(job, self.states).filter(position__gt=self.last).order_by("position")
            most = allowed(job.user)
            if check_all:
                self._check(left, most)
            held = locks.fetch_held(
                left.filter(pk__in=list(left.values_list("pk", flat=True)[: slices.PICTURES]))
            )
            if held:
                self._queue(held, most)
                self.last = max(picture.position for picture in held)
        return len(held) == slices.PICTURES

    def _check(self, left: QuerySet[Picture], most: Allowed) -> None:
        pictures = list(left.only("charged_at", "charged_pixels", "width", "height", "reserved"))
        quota.check_in_flight(self.job.user, len(pictures), most=most)
        charging.check_room(self.job.user, [one for one in pictures if one.charged_at is None], most)
        quota.check_storage(self.job.user, sum(picture.reserved for picture in pictures))

    def _queue(self, held: list[Picture], most: Allowed) -> None:
        job = self.job
        quota.check_in_flight(job.user, len(held), most=most)
        unpaid = [picture for picture in held if picture.charged_at is None]
        Picture.objects.filter(pk__in=[picture.pk for picture in held]).update(
            state=Picture.State.QUEUED,
            error_code="",
            error_sentence="",
            attempts=0,
            not_before=None,
            dispatched_at=None,
            finished_at=None,
            queued_at=timezone.now(),
        )
        Job.objects.filter(pk=job.pk).update(state=Job.State.ACTIVE, finished_at=None)
        after_commit(lines.PICTURES.top_up, job.user_id)
        charged_at = charging.charge(
            job.user, job.pk, unpaid, token=self.token, most=most, reason="tried again"
        )
        if unpaid:
            Picture.objects.filter(pk__in=[picture.pk for picture in unpaid]).update(charged_at=charged_at)
        quota.check_reserved(job.user, most=most)
