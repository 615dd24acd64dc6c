"""Thumbnail request: a picture was viewed before its thumbnail and preview were made."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from jobs.models.leased import Leased, LeaseState, lease_constraints, line_indexes, states_constraint
from jobs.models.picture import Picture


class ThumbnailRequest(Leased):
    """At most one per picture. A worker deletes the row when the files exist.

    A failed row stays for a while, so that a thumbnail that cannot be made is not retried at every view.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="thumbnail_requests"
    )
    picture = models.OneToOneField(Picture, on_delete=models.CASCADE, related_name="thumbnail_request")
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = OwnedQuerySet["ThumbnailRequest"].as_manager()

    class Meta:
        constraints: ClassVar = [
            states_constraint(
                "thumbnail_request", (LeaseState.QUEUED, LeaseState.RUNNING, LeaseState.FAILED)
            ),
            *lease_constraints("thumbnail_request"),
        ]
        indexes: ClassVar = line_indexes("thumbnail_request")

    def __str__(self) -> str:
        return f"{self.picture_id}: {self.state}"
