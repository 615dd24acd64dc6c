"""The last run of a periodic task."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class LastRun(models.Model):
    """The database's time at the last run. The next run measures from it how far the clock has moved."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.at:%Y-%m-%d %H:%M}"
