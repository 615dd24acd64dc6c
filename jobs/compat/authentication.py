"""Who asks: the token of a request, and what it may do here."""

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

# The attribute of a request that holds the id of the user who asks.
_USER: Final = "compat_user"


@dataclass(frozen=True)
class Caller:
    """A user, and the token by which they ask; None for the local host, where the operator lets it in."""

    user: User
    token: ApiToken | None

    @property
    def ephemeral(self) -> bool:
        """Whether nothing may be kept."""
        return self.token is not None and self.token.ephemeral

    @property
    def preview_means_full(self) -> bool:
        """Whether a small preview is not what is meant."""
        return self.token is not None and self.token.preview_means_full


def user_of(request: HttpRequest) -> int | None:
    """The user that `asker` found for this request; None where it found none yet."""
    found: int | None = getattr(request, _USER, None)
    return found


def secret_of(request: HttpRequest) -> str:
    """The secret that a request brings: X-Api-Key, or Authorization as our own API has it."""
    ways = (ApiKeyAuthentication(), TokenAuthentication())
    return next((secret for way in ways if (secret := way.secret_of(request))), "")  # type: ignore[arg-type]  # they read headers only


def asker(request: HttpRequest, *scopes: str) -> Caller:
    """Who asks, with a token that has one of these scopes.

    Raises CompatError `missing_api_key`, `auth_failed`.
    """
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise CompatError("auth_failed", "Use https: a key that went over the wire in the open is no secret.")
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
    return remembered(request, Caller(token.user, token))


def remembered(request: HttpRequest, who: Caller) -> Caller:
    """Who asks, kept on the request for `user_of`."""
    setattr(request, _USER, who.user.pk)
    return who
