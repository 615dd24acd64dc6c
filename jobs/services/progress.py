"""How far a job is: closed when its last picture ended, and told about."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs import events
from jobs.models import Job, Picture
from jobs.services import webhook_events


def settle(job: UUID) -> bool:
    """Close a job none of whose pictures is queued or running; true where this call closed it."""
    open_pictures = Picture.objects.filter(
        job=OuterRef("pk"), state__in=[Picture.State.QUEUED, Picture.State.RUNNING]
    )
    closed = (
        Job.objects.filter(pk=job, state=Job.State.ACTIVE)
        .filter(~Exists(open_pictures))
        .update(state=Job.State.FINISHED, finished_at=timezone.now())
    )
    if closed:
        webhook_events.job_ended(job)
        transaction.on_commit(partial(events.tell, job, "job", state=Job.State.FINISHED))
    return bool(closed)


def tell_picture(job: UUID, picture: UUID, state: str) -> None:
    """Hint, once this transaction stands, that a picture changed."""
    transaction.on_commit(partial(events.tell, job, "picture", id=str(picture), state=state))
