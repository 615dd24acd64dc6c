"""Invitations to create an account; only a digest of the link's secret is stored."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.ids import new_id


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations by what has become of them."""

    def unanswered(self) -> InvitationQuerySet:
        """Neither accepted nor revoked; may have expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def pending(self, now: datetime | None = None) -> InvitationQuerySet:
        """Those that can be accepted now."""
        return self.unanswered().filter(expires_at__gt=now or timezone.now())


class Invitation(models.Model):
    """Staff invite an address. Its link creates an account with this address, once, until `expires_at`.

    An address has at most one unanswered invitation: inviting it again renews that one, and the earlier link
    stops working.
    """

    class State(models.TextChoices):
        """What has become of it."""

        UNSENT = "unsent", "not sent"
        SENT = "sent", "sent"
        ACCEPTED = "accepted", "accepted"
        EXPIRED = "expired", "expired"
        REVOKED = "revoked", "revoked"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField("e-mail address")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # A number, not a foreign key: the invitation stays valid when the member of staff leaves.
    invited_by = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField("invited", default=timezone.now, editable=False)
    # When the mail server took the latest mail; None where it refused it.
    sent_at = models.DateTimeField("sent", null=True, editable=False)
    expires_at = models.DateTimeField("expires")
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    accepted_at = models.DateTimeField("accepted", null=True, editable=False)
    # The account that accepted it. The invitation is deleted with the account: it holds the address.
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, editable=False, related_name="+"
    )

    objects: ClassVar = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="invitation_by_expiry")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_unanswered_once",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True),
                name="invitation_accepted_or_revoked",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def state(self) -> Invitation.State:
        """What has become of it by now."""
        if self.accepted_at is not None:
            return self.State.ACCEPTED
        if self.revoked_at is not None:
            return self.State.REVOKED
        if self.expires_at <= timezone.now():
            return self.State.EXPIRED
        return self.State.SENT if self.sent_at is not None else self.State.UNSENT
