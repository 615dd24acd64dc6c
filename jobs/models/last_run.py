"""When something that runs again and again last ran."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class LastRun(models.Model):
    """The database's time at the last run, so that the next one sees how far the clock went since."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.at:%Y-%m-%d %H:%M}"
