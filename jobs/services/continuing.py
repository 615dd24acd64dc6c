"""Finishes the submit, cancel or delete of a large job in further transactions: docs/decisions/0023.

The original request continues after its first commit. If its process dies, the scheduler continues. Both may
run at once: each step locks the job and reads what is left.
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

# How long the scheduler waits for the original request before it takes over.
LEFT_ALONE: Final = timedelta(minutes=1)
JOBS_AT_ONCE: Final = 20


def finish(job: UUID) -> None:
    """Does all remaining work of a job, one slice per transaction."""
    slices.run(partial(_step, job))


def sweep() -> int:
    """Finishes jobs whose process died. Returns how many."""
    old = Continuation.objects.filter(created_at__lt=clock.now() - LEFT_ALONE).order_by("created_at")
    left = list(old.values_list("pk", flat=True)[:JOBS_AT_ONCE])
    for job in left:
        finish(job)
    return len(left)


@again_after_deadlock
def _step(pk: UUID) -> bool:
    """Runs one transaction. Returns whether there is more to do."""
    seen = Continuation.objects.filter(pk=pk).values_list("user", "source_job", "deleting").first()
    if seen is None:
        return False
    user, source_job, deleting = seen
    with transaction.atomic():
        # Lock the user first: the sums of unwritten pictures must not change while another transaction
        # counts.
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
