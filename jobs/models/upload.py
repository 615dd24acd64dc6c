"""Upload: a file that is sent but not yet part of a job."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs import storage


class Upload(models.Model):
    """One file: announced, received, then checked."""

    class State(models.TextChoices):
        STARTED = "started", "started"
        UPLOADED = "uploaded", "uploaded"
        REFUSED = "refused", "refused"
        SUBMITTED = "submitted", "submitted"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField("original file name", max_length=255)
    folder = models.CharField("folder it lay in", max_length=511, blank=True)
    announced_size = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTED)
    size = models.BigIntegerField(null=True)
    format = models.CharField(max_length=16, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_sentence = models.CharField(max_length=500, blank=True)
    by_program = models.BooleanField(
        default=False, help_text="Sent with an API token. Pages do not offer to submit it."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar = OwnedQuerySet["Upload"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="upload_state_known",
                condition=models.Q(state__in=["started", "uploaded", "refused", "submitted"]),
            ),
            models.CheckConstraint(
                name="upload_refused_says_why",
                condition=~models.Q(state="refused")
                | (~models.Q(error_code="") & ~models.Q(error_sentence="")),
            ),
            models.CheckConstraint(
                name="upload_checked_has_facts",
                # Comparing with NULL gives NULL, and a check constraint rejects only false.
                condition=~models.Q(state="uploaded")
                | models.Q(
                    size__isnull=False,
                    size__gt=0,
                    width__isnull=False,
                    width__gt=0,
                    height__isnull=False,
                    height__gt=0,
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["error_code"], condition=~models.Q(error_code=""), name="upload_errors"),
            models.Index(
                fields=["created_at"], condition=~models.Q(state="submitted"), name="upload_unsubmitted"
            ),
            models.Index(
                fields=["user", "created_at"], condition=~models.Q(state="submitted"), name="upload_open"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """The storage key. The picture that is made from the upload keeps it."""
        return storage.source_key(self.id)
