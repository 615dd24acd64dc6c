"""Picture: one image of a job, with its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models

from common.gate import OwnedQuerySet
from jobs.models.job import Job, Lane
from jobs.models.leased import Leased, LeaseState, lease_constraints, line_indexes, states_constraint

if TYPE_CHECKING:
    from jobs.models.rendition import Rendition


class Picture(Leased):
    """One image of a job."""

    ENDED = (LeaseState.DONE, LeaseState.FAILED, LeaseState.CANCELLED)
    NOT_DONE = (LeaseState.QUEUED, LeaseState.RUNNING, LeaseState.FAILED, LeaseState.CANCELLED)

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="pictures")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pictures")
    position = models.PositiveIntegerField()
    lane = models.CharField(max_length=16, choices=Lane.choices, default=Lane.BATCH)

    name = models.CharField("original file name", max_length=255)
    folder = models.CharField("folder it lay in", max_length=511, blank=True)
    source_key = models.CharField(max_length=255, blank=True)
    source_size = models.BigIntegerField(null=True)
    # SHA-256 of the source, set by the first worker that reads it. Identical bytes need no second run of the
    # model.
    source_digest = models.CharField(max_length=64, blank=True)
    # The perceptual hash as a signed 64-bit number, set by the worker. Similar pictures have similar hashes.
    phash = models.BigIntegerField(null=True)
    format = models.CharField(max_length=16, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    thumb_key = models.CharField(max_length=255, blank=True)

    queued_at = models.DateTimeField()
    # When it was charged; null if no charge stands. The refund clears it, so each charge is refunded at most
    # once.
    charged_at = models.DateTimeField(null=True)
    # The charged pixels. Null for old charges, which counted the source's pixels only.
    charged_pixels = models.PositiveBigIntegerField(null=True)
    # Expected bytes of its matte and rendition. They count while it is queued or running.
    reserved = models.PositiveBigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    # The first download of its result, and the first request for a result by another recipe
    # (jobs/services/figures.py counts them).
    downloaded_at = models.DateTimeField(null=True)
    redone_at = models.DateTimeField(null=True)

    confidence = models.FloatField(null=True)
    warnings = models.JSONField(default=list)
    # Made from an earlier matte of the same bytes, without a run of the model.
    reused = models.BooleanField(default=False)
    # When a moderator hid it. Its job may be hidden, too: see `hidden`.
    hidden_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = OwnedQuerySet["Picture"].as_manager()

    # Attached by selectors, for a whole page at once.
    rendition: Rendition | None

    class Meta:
        ordering: ClassVar = ["job", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "position"], name="picture_position_unique"),
            states_constraint("picture", tuple(LeaseState.values)),
            *lease_constraints("picture"),
            models.CheckConstraint(
                name="picture_ended_has_time",
                condition=models.Q(state__in=["queued", "running"], finished_at__isnull=True)
                | (~models.Q(state__in=["queued", "running"]) & models.Q(finished_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="picture_worked_on_has_source",
                condition=models.Q(state__in=["failed", "cancelled"]) | ~models.Q(source_key=""),
            ),
        ]
        indexes: ClassVar = [
            # The number of done pictures is the job's total minus these, so the many done ones need no index.
            models.Index(
                fields=["job", "state"],
                condition=models.Q(state__in=["queued", "running", "failed", "cancelled"]),
                name="picture_not_done",
            ),
            models.Index(fields=["source_key"], condition=~models.Q(source_key=""), name="picture_sources"),
            models.Index(
                fields=["user", "source_digest"],
                condition=~models.Q(source_digest=""),
                name="picture_digests",
            ),
            *line_indexes("picture", lane=("lane",), order=("queued_at", "position")),
            models.Index(
                fields=["finished_at"], condition=models.Q(state="done"), name="picture_done_lately"
            ),
            models.Index(fields=["user", "job"], condition=models.Q(state="failed"), name="picture_failures"),
            models.Index(
                fields=["finished_at"], condition=models.Q(state="failed"), name="picture_failed_lately"
            ),
            # For staff: newest first, and by error.
            models.Index(fields=["queued_at", "id"], name="picture_newest"),
            models.Index(fields=["error_code"], condition=~models.Q(error_code=""), name="picture_errors"),
            models.Index(
                fields=["user", "reserved"],
                condition=models.Q(state__in=["queued", "running"]),
                name="picture_reserved",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ended(self) -> bool:
        """Whether the picture is in a final state."""
        return self.state in self.ENDED

    @property
    def hidden(self) -> bool:
        """Whether a moderator hid the picture or its job. Reads `job`: select it along."""
        return self.hidden_at is not None or self.job.hidden_at is not None
