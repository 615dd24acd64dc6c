"""Job: one batch that a user submitted; one row of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs.models.backdrop import Backdrop
from jobs.models.tag import Tag

if TYPE_CHECKING:
    from jobs.models.picture import Picture


class Lane(models.TextChoices):
    """Interactive: a person or client waits for the result. Batch: it may take hours."""

    INTERACTIVE = "interactive", "interactive"
    BATCH = "batch", "batch"


class Job(models.Model):
    """A batch of pictures: its recipe and its state."""

    class State(models.TextChoices):
        ACTIVE = "active", "active"
        FINISHED = "finished", "finished"
        CANCELLED = "cancelled", "cancelled"

    class Origin(models.TextChoices):
        WEB = "web", "website"
        API = "api", "API"
        CALL = "call", "API, one at a time"
        SAMPLE = "sample", "sample"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    title = models.CharField(max_length=255)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.WEB)
    lane = models.CharField(max_length=16, choices=Lane.choices, default=Lane.BATCH)
    recipe = models.JSONField(default=dict)
    recipe_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    pinned = models.BooleanField(default=False, help_text="Kept beyond the plan's retention.")
    tags = models.ManyToManyField(Tag, related_name="jobs")
    # Deleted with all its files as soon as its response is sent.
    ephemeral = models.BooleanField(default=False)
    # The background picture, if the recipe names one.
    backdrop = models.ForeignKey(Backdrop, null=True, on_delete=models.RESTRICT, related_name="jobs")
    picture_count = models.PositiveIntegerField()
    # How many of these pictures are not written yet. Continuation lists them.
    to_come = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # When a moderator hid it. Its pictures are hidden with it.
    hidden_at = models.DateTimeField(null=True, editable=False)
    # When its pictures were first run again with another recipe.
    redone_at = models.DateTimeField(null=True)

    objects: ClassVar = OwnedQuerySet["Job"].as_manager()

    # Attached by selectors, for a whole page at once.
    counts: dict[str, int]
    place: Any
    first_pictures: list[Picture]

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="job_state_known", condition=models.Q(state__in=["active", "finished", "cancelled"])
            ),
            models.CheckConstraint(name="job_lane_known", condition=models.Q(lane__in=Lane.values)),
            models.CheckConstraint(name="job_has_pictures", condition=models.Q(picture_count__gt=0)),
            models.CheckConstraint(
                name="job_ended_when_not_active",
                condition=models.Q(state="active", finished_at__isnull=True)
                | (~models.Q(state="active") & models.Q(finished_at__isnull=False)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at", "-id"], name="job_history"),
            # The other sort orders of the history. Each ends with the id, which makes it unique.
            models.Index(fields=["user", "picture_count", "id"], name="job_by_size"),
            models.Index("user", Lower("title"), "id", name="job_by_name"),
            models.Index(
                fields=["created_at"],
                condition=~models.Q(state="active") & models.Q(pinned=False),
                name="job_expiring",
            ),
            models.Index(fields=["finished_at"], condition=models.Q(ephemeral=True), name="job_ephemeral"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The URL of the job's page."""
        return reverse("jobs:job", args=[self.id])
