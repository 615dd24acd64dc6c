"""How far a job is: closed when its last picture ended, and told about."""

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
    """Close a job none of whose pictures is queued or running; true where this call closed it.

    Call it in the transaction that ended a picture, which has locked the job beforehand: of two that end the
    last two pictures at once the second waits for the first, and sees what it did.
    """
    return _close(job)


def settle_left(most: int = 100) -> int:
    """Close the jobs that were left open though each of their pictures has ended; how many."""
    left = Job.objects.filter(state=Job.State.ACTIVE, to_come=0).filter(~Exists(_open_pictures()))
    return sum(_close(job) for job in list(left.values_list("pk", flat=True)[:most]))


def _open_pictures() -> QuerySet[Picture]:
    waiting: QuerySet[Picture] = Picture.objects.filter(
        job=OuterRef("pk"), state__in=[Picture.State.QUEUED, Picture.State.RUNNING]
    )
    return waiting


def _close(job: UUID) -> bool:
    # Alone after a commit it needs a transaction; inside of one it is a part of it.
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
    """Hint, once this transaction stands, that a picture changed."""
    after_commit(events.tell, job, "picture", id=str(picture), state=state)
