"""The authentication backend: a suspended account has no valid session."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend


class AuthenticationBackend(AllauthBackend):  # type: ignore[misc]  # allauth ships no types
    """allauth's backend. Each request asks it whether the session's user may still sign in."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the account is active and not suspended."""
        return bool(super().user_can_authenticate(user)) and not user.is_suspended
