"""Preset: a recipe with a name that a user chose."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from common.gate import OwnedQuerySet


class Preset(models.Model):
    """A user's own preset. Names of built-in presets (segmentation.recipe.presets) are reserved."""

    MAX_LENGTH = 64

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="presets")
    name = models.SlugField(max_length=MAX_LENGTH, db_index=False)
    title = models.CharField(max_length=100)
    recipe = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar = OwnedQuerySet["Preset"].as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="preset_once_a_user"),
            models.CheckConstraint(name="preset_has_name", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
