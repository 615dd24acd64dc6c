"""Refuses the files of what a moderator hid. Its owner still sees that it exists, and why it is hidden."""

from __future__ import annotations

from jobs.errors import HiddenError
from jobs.models import Job, Picture


def refuse_hidden(picture: Picture) -> Picture:
    """Returns the picture. Raises HiddenError if it or its job is hidden. Select its `job` along."""
    if picture.hidden:
        raise HiddenError
    return picture


def refuse_hidden_job(job: Job) -> Job:
    """Returns the job. Raises HiddenError if it is hidden. Single pictures may be hidden all the same."""
    if job.hidden_at is not None:
        raise HiddenError
    return job
