"""Retry of failed and cancelled pictures."""

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

# Errors that the file itself causes: a retry with the same recipe fails again. Files that were refused at
# upload have no bytes to retry.
HOPELESS: Final = frozenset(
    {
        "broken_picture",
        "empty_file",
        "refused_picture",
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
    """Returns the pictures of a job in these states for which a retry may succeed."""
    ended: QuerySet[Picture] = Picture.objects.filter(job=job, state__in=states)
    return ended.exclude(source_key="").exclude(error_code__in=HOPELESS)


def count_worth_trying(job: Job) -> dict[str, int]:
    """Counts the failed and the cancelled pictures of a job for which a retry may succeed."""
    counted = worth_trying(job).order_by().values_list("state").annotate(n=Count("pk"))
    return {**{state.value: 0 for state in ENDED_BADLY}, **dict(counted)}


def retry_failed(job: Job, *, token: ApiToken | None = None, states: Collection[str] = ENDED_BADLY) -> int:
    """Queues the failed and cancelled pictures of a job again, or those in `states`. Returns how many.

    Pictures that cannot succeed stay failed. Refunded pictures are charged again. Many pictures are queued in
    slices; if the process dies, the rest can be retried again.

    Raises QuotaExceededError if they exceed the plan's limits, GoneError if the job was deleted; writes
    nothing then.
    """
    rest = _Remaining(job, token, states)
    count = worth_trying(job, states).count()
    if not rest.queue_slice(check_all=count > slices.PICTURES):
        return min(count, slices.PICTURES) if rest.last >= 0 else 0
    after_commit(rest.queue_others)
    return count


class _Remaining:
    """The pictures of a job that are still to be queued again, in order of position."""

    def __init__(self, job: Job, token: ApiToken | None, states: Collection[str]) -> None:
        self.job, self.token, self.states = job, token, states
        self.last = -1

    def queue_others(self) -> None:
        """Queues the remaining pictures until the job is cancelled or a limit is reached."""
        try:
            slices.run(self.queue_slice)
        except (QuotaExceededError, GoneError) as error:
            logger.info("job %s retried only in part: %s", self.job.pk, error)

    @again_after_deadlock
    def queue_slice(self, *, check_all: bool = False) -> bool:
        """Queues the next pictures in one transaction. Returns whether there may be more.

        check_all: raise unless all remaining pictures fit into the limits.
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
