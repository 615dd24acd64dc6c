"""Discard: a file that is to be deleted because its row is gone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Discard(models.Model):
    """Written in the transaction that deletes the owner's row. Deleted when the file is.

    After a crash between the two, the row still says which file to delete.
    """

    key = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.key
