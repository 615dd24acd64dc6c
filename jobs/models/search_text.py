"""The text in which a search looks for a job."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from jobs.models.job import Job


class SearchText(models.Model):
    """A job's title and its pictures' names, one a line, with cases folded.

    One row a job instead of one a picture: a common word is found while walking the jobs in their order,
    and a rare one reads a few megabytes at most. It lies apart from the job, because it may be long and
    nobody else wants it. PostgreSQL has a trigram index on it (see migration 0005).
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="search_text")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return self.text.partition("\n")[0]
