"""Looks up a request's credentials before its body is read."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpRequest

from accounts.authentication import ApiKeyAuthentication, TokenAuthentication
from accounts.errors import TokenRefusedError
from accounts.services import tokens
from bgplatform.body_limit import Scope
from common.addresses import client_address
from common.threads import run_in_thread
from jobs.compat import rembg

# Stands for local callers that the operator lets in without an account.
LOCAL: Final = 0


async def account_of(scope: Scope) -> int | None:
    """Returns the account of a request's session or token, or LOCAL; None where no credentials are valid."""
    try:
        request = ASGIRequest(scope, io.BytesIO())
    except (ValueError, LookupError):
        return None  # unreadable; the application behind this refuses it
    return await run_in_thread(_account, request)


def _account(request: HttpRequest) -> int | None:
    try:
        found = _of_token(request) or _of_session(request)
        return LOCAL if found is None and rembg.needs_no_token(request) else found
    except DatabaseError:
        # The database is away, so a body would be useless. The view reports that for an empty request, too.
        return None


def _of_token(request: HttpRequest) -> int | None:
    for way in (TokenAuthentication(), ApiKeyAuthentication()):
        if secret := way.secret_of(request):  # type: ignore[arg-type]  # they read headers only
            try:
                return tokens.authenticate(secret, client_address(request)).user_id
            except TokenRefusedError:
                continue
    return None


def _of_session(request: HttpRequest) -> int | None:
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not cookie:
        return None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie)
    user = get_user(request)
    return user.pk if user.is_authenticated else None
