"""Receipt: records what was deleted, when and why."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from common.gate import OwnedQuerySet


class Receipt(models.Model):
    """One deleted job, or deleted pictures of a job that remains."""

    class Reason(models.TextChoices):
        OWNER = "owner", "deleted by its owner"
        STAFF = "staff", "deleted by staff"
        RULES = "rules", "deleted by a moderator"
        EXPIRED = "expired", "its retention time was over"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts")
    job = models.UUIDField()
    title = models.CharField(max_length=255)
    picture_count = models.PositiveIntegerField()
    reason = models.CharField(max_length=8, choices=Reason.choices)
    # Whether the whole job was deleted, or only some of its pictures.
    whole = models.BooleanField(default=True)
    note = models.CharField("why, in words for the owner", max_length=500, blank=True)
    job_created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar = OwnedQuerySet["Receipt"].as_manager()

    class Meta:
        ordering: ClassVar = ["-deleted_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job"], condition=models.Q(whole=True), name="receipt_one_a_job")
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-deleted_at", "-id"], name="receipt_history")]

    def __str__(self) -> str:
        return f"{self.title}: {self.get_reason_display()}"
