"""Matte: an 8-bit alpha channel of the source's size."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from common.ids import new_id
from jobs.models.picture import Picture


class Matte(models.Model):
    """Revision 1 comes from the model, later ones from the brush or the API. No revision is overwritten."""

    class Origin(models.TextChoices):
        MODEL = "model", "model"
        BRUSH = "brush", "brush"
        API = "api", "API"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="mattes")
    revision = models.PositiveIntegerField()
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.MODEL)
    # Digest of the recipe fields that decide the matte: the cache key that avoids another run of the model.
    matte_digest = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    size = models.BigIntegerField("bytes", default=0)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    confidence = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["picture", "revision"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["picture", "revision"], name="matte_revision_unique"),
            models.CheckConstraint(name="matte_revision_from_one", condition=models.Q(revision__gte=1)),
            models.CheckConstraint(
                name="matte_confidence_in_range",
                condition=models.Q(confidence__isnull=True) | models.Q(confidence__gte=0, confidence__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.picture_id} revision {self.revision}"
