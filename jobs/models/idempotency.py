"""Idempotency keys with their stored responses."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Idempotency(models.Model):
    """One key of one user. Written in the transaction of the request, so both commit or neither does.

    Follows draft-ietf-httpapi-idempotency-key-header. `body_digest` detects a different request under the
    same key.
    """

    MAX_LENGTH = 255

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=MAX_LENGTH)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    location = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_once_a_user"),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotency_expiring")]

    def __str__(self) -> str:
        return self.key
