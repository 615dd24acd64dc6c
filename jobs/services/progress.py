"""Progress of jobs: closes a job when its last picture ends, and publishes events."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from common.after_commit import after_commit
from jobs import events
from jobs.models import Job, Picture
from jobs.webhooks import notifications


def settle(job: UUID) -> bool:
    """Closes a job that has no queued or running pictures. Returns whether this call closed it.

    Call it in the transaction that ends a picture. That transaction has locked the job first, so if the last
    two pictures end at once, the second sees the first one's change.
    """
    return _close(job)


def settle_left(most: int = 100) -> int:
    """Closes jobs that are still open although all their pictures have ended. Returns how many."""
    left = Job.objects.filter(state=Job.State.ACTIVE, to_come=0).filter(~Exists(_open_pictures()))
    return sum(_close(job) for job in list(left.values_list("pk", flat=True)[:most]))


def _open_pictures() -> QuerySet[Picture]:
    waiting: QuerySet[Picture] = Picture.objects.filter(
        job=OuterRef("pk"), state__in=[Picture.State.QUEUED, Picture.State.RUNNING]
    )
    return waiting


def _close(job: UUID) -> bool:
    # Opens a transaction if there is none; otherwise joins the current one.
    with transaction.atomic(savepoint=False):
        closed = (
            Job.objects.filter(pk=job, state=Job.State.ACTIVE, to_come=0)
            .filter(~Exists(_open_pictures()))
            .update(state=Job.State.FINISHED, finished_at=timezone.now())
        )
        if closed:
            notifications.job_ended(job)
            after_commit(events.tell, job, "job", state=Job.State.FINISHED)
    return bool(closed)


def tell_picture(job: UUID, picture: UUID, state: str) -> None:
    """Publishes an event about a changed picture after the commit."""
    after_commit(events.tell, job, "picture", id=str(picture), state=state)
