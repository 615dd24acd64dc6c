"""API tokens; only a digest of the secret is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from accounts.models.user import User


class TokenQuerySet(models.QuerySet["ApiToken"]):
    """Views read a user's tokens through `for_user` only."""

    def for_user(self, user: User) -> TokenQuerySet:
        """Returns only this user's tokens."""
        return self.filter(user=user)


class Scope(models.TextChoices):
    """What a token may do."""

    READ = "read", "Read jobs, pictures and the account"
    SUBMIT = "submit", "Upload and submit pictures"
    DELETE = "delete", "Delete jobs and pictures"
    WEBHOOKS = "webhooks", "Manage webhooks"
    SHARE = "share", "Share results by link, and end shares"


class ApiToken(models.Model):
    """Acts for its user within its scopes, until it expires or is revoked.

    The secret has 256 random bits, so a plain SHA-256 digest cannot be brute-forced. `prefix` is its
    beginning, by which people and the database find the row; the digest of the whole secret is then compared.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=64)
    prefix = models.CharField("begins with", max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created = models.DateTimeField(default=timezone.now, editable=False)
    expiry = models.DateTimeField("expires", null=True, blank=True)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    last_used_from = models.GenericIPAddressField(null=True, editable=False, unpack_ipv4=True)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    preview_means_full = models.BooleanField(
        default=False, help_text="A client that asks for a preview gets the full size."
    )
    ephemeral = models.BooleanField(
        default=False, help_text="Pictures and results are deleted once the response was sent."
    )
    allowed_addresses = models.JSONField(
        default=list, blank=True, help_text="Networks that it may be used from. Empty: any address."
    )
    made_by = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        related_name="made",
        help_text="The token that created it and received its secret; empty for a person. "
        "It is revoked with that token.",
    )

    objects: ClassVar = TokenQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        indexes: ClassVar = [models.Index(fields=["prefix"], name="token_prefix")]
        constraints: ClassVar = [
            models.CheckConstraint(name="token_has_name", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows(self, scope: str) -> bool:
        """Whether the token has this scope."""
        return scope in self.scopes

    @property
    def is_expired(self) -> bool:
        """Whether the token has expired."""
        return self.expiry is not None and self.expiry <= timezone.now()

    @property
    def is_live(self) -> bool:
        """Whether the token is neither revoked nor expired."""
        return self.revoked_at is None and not self.is_expired
