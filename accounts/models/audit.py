"""The audit log: an append-only row for each act of staff and each security event of an account.

Triggers refuse updates and deletions (accounts/migrations/0001_initial.py), so the rows hold no personal data
that an erasure would have to remove: accounts appear by number. Client addresses are kept apart.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.utils import NotSupportedError
from django.utils import timezone

REFUSED = "The audit log is append-only: services/audit.py adds entries, its sweep deletes old ones."


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Rows that can be added and read. The database's triggers refuse the rest as well."""

    def update(self, **_kwargs: Any) -> NoReturn:
        """Raises NotSupportedError."""
        raise NotSupportedError(REFUSED)

    def delete(self) -> NoReturn:
        """Raises NotSupportedError."""
        raise NotSupportedError(REFUSED)


class AuditAction(models.TextChoices):
    """What happened. Values are stable: exports and filters use them."""

    SIGNED_UP = "signed_up", "signed up"
    INVITED = "invited", "invited by staff"
    INVITATION_REVOKED = "invitation_revoked", "invitation revoked"
    INVITATION_ACCEPTED = "invitation_accepted", "invitation accepted"
    SIGNED_IN = "signed_in", "signed in"
    SIGNED_IN_WITH_PASSKEY = "signed_in_with_passkey", "signed in with a passkey"
    SIGN_IN_FAILED = "sign_in_failed", "sign-in failed"
    SIGNED_OUT = "signed_out", "signed out"
    SESSION_ENDED = "session_ended", "signed out elsewhere"
    FACTOR_ADDED = "factor_added", "second factor added"
    FACTOR_REMOVED = "factor_removed", "second factor removed"
    FACTORS_RESET = "factors_reset", "second factors removed by staff"
    RECOVERY_CODES_MADE = "recovery_codes_made", "recovery codes created"
    RECOVERY_CODE_USED = "recovery_code_used", "recovery code used"
    PASSWORD_CHANGED = "password_changed", "password changed"
    PASSWORD_RESET = "password_reset", "password reset by mail"
    ADDRESS_CHANGED = "address_changed", "e-mail address changed"
    SINGLE_SIGN_ON_ADDED = "single_sign_on_added", "single sign-on connected"
    SINGLE_SIGN_ON_REMOVED = "single_sign_on_removed", "single sign-on removed"
    TOKEN_CREATED = "token_created", "API token created"
    TOKEN_ROTATED = "token_rotated", "API token rotated"
    TOKEN_REVOKED = "token_revoked", "API token revoked"
    TOKENS_REVOKED = "tokens_revoked", "all API tokens revoked"
    SHARE_CREATED = "share_created", "share created"
    SHARE_REVOKED = "share_revoked", "share revoked"
    SHARES_REVOKED = "shares_revoked", "all shares revoked"
    EXPORT_REQUESTED = "export_requested", "export of all data requested"
    ERASURE_REQUESTED = "erasure_requested", "erasure of the account requested"
    ERASURE_CANCELLED = "erasure_cancelled", "erasure of the account cancelled"
    ERASED = "erased", "account erased"
    ACCOUNT_CREATED = "account_created", "account created by staff"
    ACCOUNT_CHANGED = "account_changed", "account changed by staff"
    PASSWORD_SET = "password_set", "password set by staff"
    PLAN_CHANGED = "plan_changed", "plan changed"
    OPENED = "opened", "opened by staff"
    DELETED = "deleted", "deleted by staff"
    CANCELLED = "cancelled", "cancelled by staff"
    RETRIED = "retried", "tried again by staff"
    SUSPENDED = "suspended", "account suspended"
    SUSPENSION_LIFTED = "suspension_lifted", "suspension lifted"
    REPORTED = "reported", "reported by a person"
    CASE_TAKEN = "case_taken", "case taken by a moderator"
    CASE_RELEASED = "case_released", "case released"
    DECIDED = "decided", "decided by a moderator"
    DECISION_UNDONE = "decision_undone", "decision undone"
    APPEALED = "appealed", "appeal made"
    APPEAL_ANSWERED = "appeal_answered", "appeal answered"
    RUN_AGAIN = "run_again", "run again by staff"
    PICTURE_REFUSED = "picture_refused", "picture put on the list of refused ones"
    REFUSAL_LIFTED = "refusal_lifted", "picture taken off the list of refused ones"


class AuditEntry(models.Model):
    """One event. actor: the account that acted (None: nobody signed in, or the system); subject: the account
    that it concerns. Both are numbers, not foreign keys: they stay when the account is erased.
    """

    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=32, choices=AuditAction.choices)
    actor = models.BigIntegerField(null=True)
    by_staff = models.BooleanField(default=False)
    subject = models.BigIntegerField(null=True)
    # The API token that acted, by its number.
    token = models.BigIntegerField(null=True)
    # What was acted on: a model's label and a key.
    kind = models.CharField(max_length=64, blank=True)
    target = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)

    objects: ClassVar = AuditQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes: ClassVar = [
            models.Index(fields=["subject", "-id"], name="audit_of_subject"),
            models.Index(fields=["actor", "-id"], name="audit_of_actor"),
            models.Index(fields=["action", "-id"], name="audit_of_action"),
            models.Index(fields=["target", "kind"], name="audit_of_target"),
            models.Index(fields=["-id"], condition=~models.Q(reason=""), name="audit_with_reason"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Adds the entry. Raises NotSupportedError for one that exists."""
        if not self._state.adding:
            raise NotSupportedError(REFUSED)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises NotSupportedError."""
        raise NotSupportedError(REFUSED)


class AuditOrigin(models.Model):
    """The client address of an event. A row of its own, because an erasure removes it and an entry stays."""

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.CASCADE, primary_key=True, related_name="origin"
    )
    address = models.GenericIPAddressField()

    def __str__(self) -> str:
        return self.address


class AuditRetention(models.Model):
    """One row: entries older than `before` may be deleted. The delete trigger reads it."""

    before = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.before:%Y-%m-%d}"
