"""Tag: a label that a user puts on jobs."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from common.gate import OwnedQuerySet


class Tag(models.Model):
    """Deleted when the last job that has it loses it."""

    MAX_LENGTH = 40

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=MAX_LENGTH)

    objects: ClassVar = OwnedQuerySet["Tag"].as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint("user", Lower("name"), name="tag_once_a_user"),
            models.CheckConstraint(name="tag_not_empty", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
