"""Adds, uses and removes second factors. Each change has its audit entry and a mail to the account's owner.

django-allauth stores and checks them; its own flows send no audit entry in their transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import locks
from accounts.errors import AccountsError
from accounts.factor_selectors import has_second_factor, passkeys_of
from accounts.models import AuditAction, User
from accounts.services import audit
from accounts.services.notices import notify, notify_of_staff
from common.after_commit import after_commit

MAX_PASSKEYS = 20


class FactorRefusedError(AccountsError):
    """The factor cannot be added or removed."""

    status = 409


def add_totp(user: User, secret: str) -> bool:
    """Adds the authenticator app that holds this secret. Returns whether recovery codes were made with it.

    Raises FactorRefusedError if the account has an app already.
    """
    with transaction.atomic():
        locks.hold_user(user.pk)
        if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
            raise FactorRefusedError(
                "second_app", _("Your account has an authenticator app already. Remove it first.")
            )
        made = TOTP.activate(user, secret).instance
        audit.record(AuditAction.FACTOR_ADDED, subject=user, on=made, facts={"factor": made.type})
        with_codes = _make_first_codes(user)
    notify(user, "mfa/email/totp_activated")
    return with_codes


def add_passkey(user: User, name: str, credential: Mapping[str, Any]) -> bool:
    """Adds a passkey by the browser's checked answer. Returns whether recovery codes were made with it.

    Raises FactorRefusedError above MAX_PASSKEYS.
    """
    with transaction.atomic():
        locks.hold_user(user.pk)
        if passkeys_of(user) >= MAX_PASSKEYS:
            raise FactorRefusedError(
                "too_many_passkeys",
                _("An account has at most %d passkeys. Remove one that you no longer use.") % MAX_PASSKEYS,
            )
        made = WebAuthn.add(user, name, dict(credential)).instance
        audit.record(AuditAction.FACTOR_ADDED, subject=user, on=made, facts={"factor": made.type})
        with_codes = _make_first_codes(user)
    notify(user, "mfa/email/webauthn_added")
    return with_codes


def remove(user: User, factor: Authenticator) -> bool:
    """Removes an app or a passkey; with the last one, also the recovery codes. Returns whether it existed."""
    with transaction.atomic():
        locks.hold_user(user.pk)
        number, kind = factor.pk, str(factor.type)
        count, _by_model = Authenticator.objects.filter(pk=number, user=user).delete()
        if not count:
            return False
        if not has_second_factor(user):
            Authenticator.objects.filter(user=user).delete()
        audit.record(AuditAction.FACTOR_REMOVED, subject=user, facts={"factor": kind, "number": number})
    app = kind == Authenticator.Type.TOTP
    notify(user, "mfa/email/totp_deactivated" if app else "mfa/email/webauthn_removed")
    return True


def make_codes(user: User) -> None:
    """Replaces the recovery codes; the old ones stop working. Raises FactorRefusedError without a factor."""
    with transaction.atomic():
        locks.hold_user(user.pk)
        if not has_second_factor(user):
            raise FactorRefusedError("no_factor", _("Add an authenticator app or a passkey first."))
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        RecoveryCodes.activate(user)
        audit.record(AuditAction.RECOVERY_CODES_MADE, subject=user)
    notify(user, "mfa/email/recovery_codes_generated")


def note_code_used(user: User) -> None:
    """Notes that a recovery code was used, and tells its owner. Requires the transaction that marks it."""
    audit.record(AuditAction.RECOVERY_CODE_USED, subject=user, actor=user)
    after_commit(notify, user, "mfa/email/recovery_code_used")


def reset(user: User, *, reason: str) -> int:
    """Removes all factors of a person who lost them, for staff. Returns the number of apps and passkeys."""
    with transaction.atomic():
        locks.hold_user(user.pk)
        factors = Authenticator.objects.filter(user=user)
        count = factors.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
        if not factors.delete()[0]:
            return 0
        audit.record(AuditAction.FACTORS_RESET, subject=user, on=user, reason=reason, facts={"count": count})
    notify_of_staff(user, "mfa/email/factors_reset")
    return int(count)


def _make_first_codes(user: User) -> bool:
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).exists():
        return False
    RecoveryCodes.activate(user)
    audit.record(AuditAction.RECOVERY_CODES_MADE, subject=user)
    return True
