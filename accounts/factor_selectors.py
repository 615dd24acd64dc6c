"""Queries about second factors: authenticator apps (TOTP), passkeys (WebAuthn) and recovery codes."""

from __future__ import annotations

from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings

from accounts.models import User

# Recovery codes replace a lost factor; alone they are none.
FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(user: User) -> bool:
    """Whether the account has an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def lacks_required_factor(user: User) -> bool:
    """Whether this member of staff must add a second factor first: see STAFF_MFA."""
    return bool(settings.STAFF_MFA and user.is_staff and not has_second_factor(user))


def passkeys_of(user: User) -> int:
    """How many passkeys the account has."""
    return int(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).count())
