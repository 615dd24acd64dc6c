"""Share: a link under which people without an account see the results of one job."""

from __future__ import annotations

import hmac
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs import share_tokens
from jobs.models.job import Job
from jobs.models.picture import Picture


class Share(models.Model):
    """The link of a whole job, of one picture, or of some pictures of a job.

    The row holds a salt and the digest of the link's token. The token is derived from the salt and
    SECRET_KEY, so its owner can copy the link again, and a copy of the database alone opens no link. See
    jobs/share_tokens.py.
    """

    MAX_TITLE = 100

    class Kind(models.TextChoices):
        """What is shared. A job includes the pictures that are finished later."""

        JOB = "job", "a job"
        SELECTION = "selection", "a selection"
        PICTURE = "picture", "a picture"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shares")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="shares")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Empty for a whole job.
    pictures = models.ManyToManyField(Picture, related_name="shares")
    salt = models.CharField(max_length=64, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)

    title = models.CharField(max_length=MAX_TITLE, blank=True)
    # A hash, or empty: no password.
    password = models.CharField(max_length=256, blank=True, editable=False)
    may_download = models.BooleanField(default=False)
    # Off by default: names of files and people can say more than their owner wants to tell.
    show_names = models.BooleanField(default=False)
    show_owner = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, editable=False)
    # When a moderator hid it. The owner still sees it in the list.
    hidden_at = models.DateTimeField(null=True, editable=False)

    views = models.PositiveBigIntegerField(default=0)
    downloads = models.PositiveBigIntegerField(default=0)
    last_viewed_at = models.DateTimeField(null=True)

    objects: ClassVar = OwnedQuerySet["Share"].as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="share_kind_known", condition=models.Q(kind__in=["job", "selection", "picture"])
            ),
            models.CheckConstraint(
                name="share_expires_after_creation",
                condition=models.Q(expires_at__gt=models.F("created_at")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="share_of_user"),
            models.Index(fields=["expires_at"], name="share_by_expiry"),
            models.Index(
                fields=["revoked_at"],
                condition=models.Q(revoked_at__isnull=False),
                name="share_by_revocation",
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.get_kind_display()} of {self.job_id}"

    @property
    def token(self) -> str:
        """The token of its link, for the owner; "" where SECRET_KEY was changed since."""
        token = share_tokens.derive(self.salt)
        return token if hmac.compare_digest(share_tokens.digest_of(token), self.digest) else ""

    @property
    def is_whole(self) -> bool:
        """Whether the whole job is shared."""
        return self.kind == self.Kind.JOB

    @property
    def state(self) -> str:
        """One of live, revoked, hidden and expired. A suspended owner's shares are closed as well."""
        if self.revoked_at is not None:
            return "revoked"
        if self.hidden_at is not None:
            return "hidden"
        return "live" if self.expires_at > timezone.now() else "expired"
