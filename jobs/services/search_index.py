"""Findable: the text in which a search looks for a job, written with the job."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from uuid import UUID

from jobs.models import Job, Picture, SearchText


def folded(text: str) -> str:
    """Text as it is compared: composed, and without regard to case in any script."""
    return unicodedata.normalize("NFC", text).casefold()


def note(job: Job, names: Iterable[str]) -> None:
    """Make a new job findable by its title and its pictures' names; call it where the rows are made."""
    SearchText.objects.create(job=job, user_id=job.user_id, text=_text(job.title, names))


def note_again(jobs: Collection[UUID]) -> None:
    """After pictures went: the jobs that stay are no longer found by the names that are gone."""
    for row in SearchText.objects.filter(job__in=jobs).select_related("job"):
        names = Picture.objects.filter(job=row.job_id).order_by("position").values_list("name", flat=True)
        row.text = _text(row.job.title, names)
        row.save(update_fields=["text"])


def _text(title: str, names: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(folded(line) for line in (title, *names)))
