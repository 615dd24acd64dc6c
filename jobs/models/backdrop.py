"""Backdrop: a user's background picture for cut-outs. Recipes name it by its digest."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs import storage


class Backdrop(models.Model):
    """One file. A user's uploads with the same bytes share one backdrop.

    It is kept while a job uses it, and for UPLOAD_HOURS after its last use.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="backdrops")
    digest = models.CharField("SHA-256", max_length=64)
    size = models.BigIntegerField()
    format = models.CharField(max_length=16)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(default=timezone.now)
    ephemeral = models.BooleanField(
        default=False, help_text="Only ephemeral calls sent it; deleted after the last one."
    )

    objects: ClassVar = OwnedQuerySet["Backdrop"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="backdrop_once_a_user"),
        ]
        indexes: ClassVar = [models.Index(fields=["last_used_at"], name="backdrop_last_used")]

    def __str__(self) -> str:
        return self.digest[:12]

    @property
    def key(self) -> str:
        """The storage key."""
        return storage.backdrop_key(self.id)
