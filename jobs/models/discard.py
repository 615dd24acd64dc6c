"""A discard: a file whose row is gone and that is still to be deleted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Discard(models.Model):
    """Written in the transaction that deletes the owner's row, gone when the file is.

    A crash between the two therefore leaves a note of what to delete, never a file that nobody knows.
    """

    key = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.key
