"""A rendition: one encoded output file, made from a matte and a recipe."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from common.ids import new_id
from jobs.models.matte import Matte
from jobs.models.picture import Picture


class Rendition(models.Model):
    """One file to download; the digest of its recipe is its cache key under the matte."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="renditions")
    matte = models.ForeignKey(Matte, on_delete=models.CASCADE, related_name="renditions")
    recipe = models.JSONField()
    recipe_digest = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    # Empty where nobody has looked at it yet: synchronous calls get their file and nothing else is made.
    preview_key = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=32)
    extension = models.CharField(max_length=8)
    size = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    # Where the subject stands in it: left, top, width, height in pixels; null where that was not looked at.
    foreground = models.JSONField(null=True)
    # Width and height that it would have without a limit on its size.
    full_size = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["picture", "created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["matte", "recipe_digest"], name="rendition_unique"),
            models.CheckConstraint(name="rendition_not_empty", condition=models.Q(size__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.picture_id}.{self.extension}"

    @property
    def version(self) -> str:
        """What an address says to mean this rendition and no later one: its files never change."""
        return self.pk.hex[-12:]
