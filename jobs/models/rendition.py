"""Rendition: one encoded output file, made from a matte and a recipe."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from common.ids import new_id
from jobs.models.matte import Matte
from jobs.models.picture import Picture


class Rendition(models.Model):
    """One file to download. Matte and recipe digest are its cache key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="renditions")
    matte = models.ForeignKey(Matte, on_delete=models.CASCADE, related_name="renditions")
    recipe = models.JSONField()
    recipe_digest = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    # Empty until the first view: synchronous calls skip the preview.
    preview_key = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=32)
    extension = models.CharField(max_length=8)
    size = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    # The bounding box of the subject: left, top, width, height in pixels. Null if it was not computed.
    foreground = models.JSONField(null=True)
    # Width and height that the result would have without a size limit.
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
        """A cache-busting version for its URLs. The files of a rendition never change."""
        return self.pk.hex[-12:]
