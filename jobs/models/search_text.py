"""The text that the history search matches against."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from jobs.models.job import Job


class SearchText(models.Model):
    """A job's title and its pictures' names, one per line, case-folded.

    One row per job rather than per picture: the search finds a common word while it walks the jobs in order,
    and reads a few megabytes at most for a rare one. It has its own table, because it may be long and no
    other query needs it. PostgreSQL has a trigram index on it (see the first migration).
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="search_text")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return self.text.partition("\n")[0]
