"""Whether a request brings credentials that count: looked up before its body is read."""

from __future__ import annotations

import io
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpRequest

from accounts.addresses import client_address
from accounts.authentication import ApiKeyAuthentication, TokenAuthentication
from accounts.errors import TokenRefusedError
from accounts.services import tokens
from bgplatform.body_limit import Scope
from jobs.compat import rembg
from jobs.threads import quickly


async def known(scope: Scope) -> bool:
    """Whether the request of this scope comes from somebody who is signed in, has a token, or needs none."""
    try:
        request = ASGIRequest(scope, io.BytesIO())
    except (ValueError, LookupError):
        return False  # it cannot be read; whatever is behind this says so
    return await quickly(_is_known, request)


def _is_known(request: HttpRequest) -> bool:
    try:
        return _has_token(request) or _is_signed_in(request) or rembg.needs_no_token(request)
    except DatabaseError:
        # Away. Nothing could be done with a body; the view says so to an empty request, too.
        return False


def _has_token(request: HttpRequest) -> bool:
    for way in (TokenAuthentication(), ApiKeyAuthentication()):
        if secret := way.secret_of(request):  # type: ignore[arg-type]  # they read headers only
            try:
                tokens.authenticate(secret, client_address(request))
            except TokenRefusedError:
                continue
            return True
    return False


def _is_signed_in(request: HttpRequest) -> bool:
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not cookie:
        return False
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie)
    return bool(get_user(request).is_authenticated)
