"""Where the site's rules meet django-allauth's."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Closes the sign-up where the operator says so."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether a stranger may make an account here."""
        return bool(settings.SIGN_UP == "open")
