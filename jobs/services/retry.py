"""Trying again what failed."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils import timezone

from jobs.models import Job, Picture
from jobs.services import dispatch


def retry_failed(job: Job) -> int:
    """Queue the failed and cancelled pictures of a job again; how many.

    What was refused at upload stays failed: there are no bytes to try again.
    """
    with transaction.atomic():
        again = (
            Picture.objects.filter(job=job, state__in=[Picture.State.FAILED, Picture.State.CANCELLED])
            .exclude(source_key="")
            .update(
                state=Picture.State.QUEUED,
                error_code="",
                error_sentence="",
                attempts=0,
                not_before=None,
                dispatched_at=None,
                finished_at=None,
                queued_at=timezone.now(),
            )
        )
        if again:
            Job.objects.filter(pk=job.pk).update(state=Job.State.ACTIVE, finished_at=None)
            transaction.on_commit(partial(dispatch.top_up, job.user_id))
    return again
