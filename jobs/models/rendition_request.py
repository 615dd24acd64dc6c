"""A rendition request: a rendition that is asked for and not made yet."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs.models.matte import Matte
from jobs.models.picture import Picture


class RenditionRequest(models.Model):
    """Gone once it is fulfilled: the rendition that is then there has its id.

    Of a matte that there is, or of one that a person sent (`revision` is kept for it; its bytes lie under the
    incoming key of this id until a worker has looked at them). `dispatched_at`, `lease_token`, `lease_until`
    and `attempts` are as a picture's.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="rendition_requests"
    )
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="rendition_requests")
    matte = models.ForeignKey(Matte, on_delete=models.CASCADE, null=True, related_name="rendition_requests")
    revision = models.PositiveIntegerField(null=True)
    origin = models.CharField(max_length=8, choices=Matte.Origin.choices, default=Matte.Origin.API)
    recipe = models.JSONField()
    recipe_digest = models.CharField(max_length=64)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    error_code = models.CharField(max_length=64, blank=True)
    error_sentence = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # The pixels beyond its source's, and since when a charge for them stands.
    charged_pixels = models.PositiveBigIntegerField(default=0)
    charged_at = models.DateTimeField(null=True)
    # Bytes that what it asks for is expected to take; they count while it waits or runs.
    reserved = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = OwnedQuerySet["RenditionRequest"].as_manager()

    class Meta:
        verbose_name_plural = "rendition requests"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["matte", "recipe_digest"], name="rendition_request_unique"),
            models.UniqueConstraint(fields=["picture", "revision"], name="rendition_request_revision_unique"),
            models.CheckConstraint(
                name="rendition_request_of_a_matte",
                condition=models.Q(matte__isnull=False, revision__isnull=True)
                | models.Q(matte__isnull=True, revision__isnull=False, revision__gte=2),
            ),
            models.CheckConstraint(
                name="rendition_request_leased_when_running",
                condition=models.Q(state="running", lease_token__isnull=False, lease_until__isnull=False)
                | (~models.Q(state="running") & models.Q(lease_token__isnull=True, lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="rendition_request_failed_says_why",
                condition=models.Q(state="failed") & ~models.Q(error_code="") & ~models.Q(error_sentence="")
                | models.Q(state__in=["queued", "running"], error_code=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["user", "id"],
                condition=models.Q(state__in=["queued", "running"]),
                name="rendition_request_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.picture_id}: {self.state}"
