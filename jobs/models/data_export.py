"""Data export: everything that an account has, as one or more ZIP files."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models.background import Background
from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs import storage


class DataExport(Background):
    """An export that is being made, or can be downloaded until `expires_at`.

    `parts` has the size in bytes of each finished ZIP. `cursor` is the place in the account's files at which
    the next part begins, so that a process that takes over continues there.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "being made"
        READY = "ready", "ready"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="data_exports")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    by_staff = models.BooleanField(default=False)
    parts = models.JSONField(default=list)
    cursor = models.JSONField(default=list)
    # Files of the account when the export began, and how many of them are in the export.
    total = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error_sentence = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects: ClassVar = OwnedQuerySet["DataExport"].as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(state="queued"), name="data_export_one_at_a_time"
            ),
            models.CheckConstraint(
                name="data_export_ends",
                condition=Q(state="queued", finished_at__isnull=True, expires_at__isnull=True)
                | Q(state__in=["ready", "failed"], finished_at__isnull=False, expires_at__isnull=False),
            ),
            models.CheckConstraint(
                name="data_export_failed_says_why",
                condition=Q(state="failed") & ~Q(error_code="") & ~Q(error_sentence="")
                | ~Q(state="failed") & Q(error_code=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=~Q(state="queued"), name="data_export_expiring"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}: {self.get_state_display()}"

    @property
    def size(self) -> int:
        """The bytes of all finished parts."""
        return sum(self.parts)

    @property
    def keys(self) -> list[str]:
        """The storage keys of the finished parts."""
        return [storage.export_key(self.id, number) for number in range(1, len(self.parts) + 1)]
