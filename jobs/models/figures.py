"""Daily figures: what the dashboard of satisfaction shows, counted once for each day.

docs/decisions/0032-satisfaction-is-measured-by-the-day-a-result-was-made.md says what is counted and why.
"""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

from jobs.models.job import Job, Lane

COUNTERS: Final = ("done", "as_is", "corrected", "redone", "refused", "up", "down", "failed")


class PastPicture(models.Model):
    """What counts of a deleted picture, without its id, its name or its owner, until its day is final."""

    day = models.DateField()
    model = models.CharField(max_length=64)
    refinement = models.CharField(max_length=16)
    origin = models.CharField(max_length=16, choices=Job.Origin.choices)
    lane = models.CharField(max_length=16, choices=Lane.choices)
    state = models.CharField(max_length=10)
    error_code = models.CharField(max_length=64, blank=True)
    # Seconds in the queue and in the worker; null if no worker had it.
    waited = models.FloatField(null=True)
    processed = models.FloatField(null=True)
    downloaded = models.BooleanField(default=False)
    corrected = models.BooleanField(default=False)
    redone = models.BooleanField(default=False)
    refused = models.BooleanField(default=False)
    verdict = models.CharField(max_length=4, blank=True)

    objects: ClassVar = models.Manager()

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["day"], name="past_picture_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.state}"


class CountedDay(models.Model):
    """A day (UTC) whose figures were counted, and when."""

    day = models.DateField(primary_key=True)
    counted_at = models.DateTimeField()

    objects: ClassVar = models.Manager()

    class Meta:
        ordering: ClassVar = ["day"]

    def __str__(self) -> str:
        return str(self.day)


class DailyFigures(models.Model):
    """The results made on one day, by model, refinement and origin."""

    day = models.DateField()
    model = models.CharField(max_length=64)
    refinement = models.CharField(max_length=16)
    origin = models.CharField(max_length=16, choices=Job.Origin.choices)
    done = models.PositiveIntegerField(default=0)
    as_is = models.PositiveIntegerField("downloaded without a correction", default=0)
    corrected = models.PositiveIntegerField("corrected by a person", default=0)
    redone = models.PositiveIntegerField("made again with another recipe", default=0)
    refused = models.PositiveIntegerField("deleted by the owner without a download", default=0)
    # Verdicts on the model's own matte.
    up = models.PositiveIntegerField("thumbs up", default=0)
    down = models.PositiveIntegerField("thumbs down", default=0)
    failed = models.PositiveIntegerField("without a result", default=0)

    objects: ClassVar = models.Manager()

    class Meta:
        ordering: ClassVar = ["day", "model", "refinement", "origin"]
        # The name of the dashboard in the admin's menu.
        verbose_name = "satisfaction"
        verbose_name_plural = "satisfaction"
        permissions: ClassVar = [("view_satisfaction", "Can view the dashboard of satisfaction")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "model", "refinement", "origin"], name="daily_figures_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.refinement} {self.origin}"


class DailyFailures(models.Model):
    """How many pictures failed on one day, by error code."""

    day = models.DateField()
    code = models.CharField(max_length=64)
    count = models.PositiveIntegerField()

    objects: ClassVar = models.Manager()

    class Meta:
        ordering: ClassVar = ["day", "code"]
        verbose_name_plural = "daily failures"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "code"], name="daily_failures_unique")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.code}"


class DailyTimes(models.Model):
    """A histogram of the waiting and processing times of one day's results (`jobs.statistics`)."""

    class Kind(models.TextChoices):
        WAITING = "waiting", "waiting"
        PROCESSING = "processing", "processing"

    day = models.DateField()
    lane = models.CharField(max_length=16, choices=Lane.choices)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    bucket = models.PositiveSmallIntegerField()
    count = models.PositiveIntegerField()

    objects: ClassVar = models.Manager()

    class Meta:
        ordering: ClassVar = ["day", "lane", "kind", "bucket"]
        verbose_name_plural = "daily times"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "lane", "kind", "bucket"], name="daily_times_unique")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.lane} {self.kind} {self.bucket}"
