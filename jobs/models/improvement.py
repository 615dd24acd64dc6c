"""Improvement: a picture that a client of the remove.bg API sends in because its cut-out was poor."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs import storage


class Improvement(models.Model):
    """One picture, kept for staff to review."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="improvements")
    name = models.CharField("file name", max_length=255)
    tag = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField()
    format = models.CharField(max_length=16)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar = OwnedQuerySet["Improvement"].as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["user", "-created_at", "-id"], name="improvement_of_user")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """The storage key."""
        return storage.improvement_key(self.id)
