"""Token authentication for the API, by one of two headers."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.errors import TokenRefusedError
from accounts.models import ApiToken, User
from accounts.services import tokens
from common.addresses import client_address


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token SECRET` or `Bearer SECRET`. Sets request.auth to the ApiToken."""

    keywords = ("token", "bearer")

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Returns the user and the token; None where the request carries no token."""
        secret = self.secret_of(request)
        if secret is None:
            return None
        try:
            token = tokens.authenticate(secret, client_address(request))
        except TokenRefusedError as error:
            raise _refusal(error) from error
        return token.user, token

    def secret_of(self, request: Request) -> str | None:
        """Returns the secret from the header."""
        keyword, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
        return secret.strip() if keyword.lower() in self.keywords else None

    def authenticate_header(self, request: Request) -> str:
        """Returns the WWW-Authenticate value of a 401."""
        return "Token"


class ApiKeyAuthentication(TokenAuthentication):
    """`X-Api-Key: SECRET`, as remove.bg clients send it."""

    def secret_of(self, request: Request) -> str | None:
        """Returns the secret from the header."""
        secret: str = request.headers.get("X-Api-Key", "").strip()
        return secret or None


def _refusal(error: TokenRefusedError) -> APIException:
    kind = PermissionDenied if error.status == 403 else AuthenticationFailed
    return kind(detail=error.sentence, code=error.code)
