"""Search index: the text that history search matches against, written with the job."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from common.text import folded
from jobs.models import Job, Picture, SearchText


def note(job: Job, names: Iterable[str]) -> None:
    """Indexes a new job by its title and its pictures' names, in the transaction that writes the job."""
    SearchText.objects.create(job=job, user_id=job.user_id, text=_text(job.title, names))


def note_again(jobs: Collection[UUID]) -> None:
    """Rebuilds the index of these jobs after pictures were deleted."""
    for row in SearchText.objects.filter(job__in=jobs).select_related("job"):
        names = Picture.objects.filter(job=row.job_id).order_by("position").values_list("name", flat=True)
        row.text = _text(row.job.title, names)
        row.save(update_fields=["text"])


def _text(title: str, names: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(folded(line) for line in (title, *names)))
