"""Rendition request: a rendition that is queued or running."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from jobs.models.leased import Leased, LeaseState, lease_constraints, line_indexes, states_constraint
from jobs.models.matte import Matte
from jobs.models.picture import Picture


class RenditionRequest(Leased):
    """Deleted when it is fulfilled; the new rendition takes over its id.

    It refers to an existing matte or to an uploaded one. For an uploaded one `matte` is null, `revision` is
    reserved for it, and its bytes stay under the incoming key of this id until a worker has checked them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="rendition_requests"
    )
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="rendition_requests")
    matte = models.ForeignKey(Matte, on_delete=models.CASCADE, null=True, related_name="rendition_requests")
    revision = models.PositiveIntegerField(null=True)
    origin = models.CharField(max_length=8, choices=Matte.Origin.choices, default=Matte.Origin.API)
    recipe = models.JSONField()
    recipe_digest = models.CharField(max_length=64)

    # The charged pixels beyond the source's, and when they were charged; null if no charge stands.
    charged_pixels = models.PositiveBigIntegerField(default=0)
    charged_at = models.DateTimeField(null=True)
    # Expected bytes of the result. They count while it is queued or running.
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
            states_constraint(
                "rendition_request", (LeaseState.QUEUED, LeaseState.RUNNING, LeaseState.FAILED)
            ),
            *lease_constraints("rendition_request"),
        ]
        indexes: ClassVar = [
            *line_indexes("rendition_request"),
            models.Index(
                fields=["user", "id"],
                condition=models.Q(state__in=["queued", "running"]),
                name="rendition_request_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.picture_id}: {self.state}"
