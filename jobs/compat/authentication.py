"""Authentication: the token of a request and its permissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from accounts.authentication import ApiKeyAuthentication, TokenAuthentication
from accounts.errors import TokenRefusedError
from accounts.models import ApiToken, Scope, User
from accounts.services import tokens
from common.addresses import client_address
from jobs.compat.errors import CompatError

# The request attribute that holds the authenticated user's id.
_USER: Final = "compat_user"


@dataclass(frozen=True)
class Caller:
    """The user and the token of a request. The token is None for a local program."""

    user: User
    token: ApiToken | None

    @property
    def ephemeral(self) -> bool:
        """Whether nothing may be stored."""
        return self.token is not None and self.token.ephemeral

    @property
    def preview_means_full(self) -> bool:
        """Whether the size `preview` means the full size."""
        return self.token is not None and self.token.preview_means_full


def user_of(request: HttpRequest) -> int | None:
    """The id of the user that `authenticate` found for this request; None before that."""
    found: int | None = getattr(request, _USER, None)
    return found


def secret_of(request: HttpRequest) -> str:
    """The secret of a request: X-Api-Key, or Authorization as in our own API."""
    ways = (ApiKeyAuthentication(), TokenAuthentication())
    return next((secret for way in ways if (secret := way.secret_of(request))), "")  # type: ignore[arg-type]  # they read headers only


def authenticate(request: HttpRequest, *scopes: str) -> Caller:
    """The caller, whose token must have one of these scopes.

    Raises CompatError `missing_api_key`, `auth_failed`.
    """
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise CompatError("auth_failed", "Use https. A key that was sent unencrypted is no longer secret.")
    secret = secret_of(request)
    if not secret:
        raise CompatError("missing_api_key")
    try:
        token = tokens.authenticate(secret, client_address(request))
    except TokenRefusedError as error:
        raise CompatError("auth_failed", error.sentence) from error
    if not any(token.allows(scope) for scope in scopes or (Scope.SUBMIT,)):
        wanted = " or ".join(map(str, scopes or (Scope.SUBMIT,)))
        raise CompatError("auth_failed", f"This token lacks the scope {wanted}.")
    return remember_caller(request, Caller(token.user, token))


def remember_caller(request: HttpRequest, who: Caller) -> Caller:
    """Stores the caller on the request for `user_of`."""
    setattr(request, _USER, who.user.pk)
    return who
