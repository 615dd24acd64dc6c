"""Adapts django-allauth's second factors to the site: names, and secrets that are encrypted at rest."""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from typing import ClassVar, Final

from allauth.core import context as current
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.devices import device
from accounts.models import User

logger = logging.getLogger(__name__)

SALT: Final = b"accounts.second-factors:"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keeps the secrets of apps and recovery codes unreadable in a copy of the database alone."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "wrong_passkey": _("This passkey does not open this account here. Use another one, or another way."),
        "unverified_email": _("Confirm your e-mail address first, or cancel its change."),
    }

    def encrypt(self, text: str) -> str:
        """Returns the text, encrypted with a key from SECRET_KEY."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Returns the text. After a change of SECRET_KEY, a random secret for which no code is right."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error("A second factor cannot be read: SECRET_KEY is not the one that it was added with.")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Returns the name that a new passkey has unless its owner gives another: the device's, in words."""
        return device(current.request.headers.get("User-Agent", ""))

    def _get_site_name(self) -> str:
        return str(settings.SITE_NAME)


def _cipher() -> Fernet:
    # SECRET_KEY is long and random, so one hash is enough to derive a key.
    digest = hashlib.sha256(SALT + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
