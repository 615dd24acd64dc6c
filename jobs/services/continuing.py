"""Finishes what a submit, cancel or delete of a large job left for later transactions: docs/decisions/0023.

The request that began it goes on after its first commit. If its process dies, the scheduler goes on.
Both may do so at once: each step holds the job and reads what is left.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import locks
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs import clock, events
from jobs.models import Continuation, Job
from jobs.services import growing, lines, progress, removal, slices
from jobs.webhooks import notifications

# The request that began is given this long before the scheduler takes part.
LEFT_ALONE: Final = timedelta(minutes=1)
JOBS_AT_ONCE: Final = 20


def finish(job: UUID) -> None:
    """Do everything that is left to do for a job, slice by slice."""
    slices.run(partial(_step, job))


def sweep() -> int:
    """Finish jobs whose process died; how many."""
    old = Continuation.objects.filter(created_at__lt=clock.now() - LEFT_ALONE).order_by("created_at")
    left = list(old.values_list("pk", flat=True)[:JOBS_AT_ONCE])
    for job in left:
        finish(job)
    return len(left)


@again_after_deadlock
def _step(pk: UUID) -> bool:
    """One transaction; whether there is more to do."""
    seen = Continuation.objects.filter(pk=pk).values_list("user", "source_job", "deleting").first()
    if seen is None:
        return False
    user, source_job, deleting = seen
    with transaction.atomic():
        # The user first: the sums of what is not written yet must not change while somebody counts.
        locks.hold_user(user)
        wanted = Job.objects.filter(pk__in=[one for one in (pk, source_job) if one])
        held = {job.pk: job for job in locks.fetch_held(wanted, to_delete=deleting)}
        row = Continuation.objects.filter(pk=pk).first()
        job = held.get(pk)
        if row is None or job is None:
            return False
        if row.deleting:
            return removal.delete_slice(row, job)
        if row.next < len(row.items):
            growing.write_slice(row, job)
            return True
        if job.state == Job.State.CANCELLED and removal.cancel_slice(job.pk):
            return True
        row.delete()
        if job.state == Job.State.CANCELLED:
            notifications.job_ended(pk)
            after_commit(events.tell, pk, "job", state=Job.State.CANCELLED)
        else:
            progress.settle(pk)
            after_commit(lines.PICTURES.top_up, user)
    return False
