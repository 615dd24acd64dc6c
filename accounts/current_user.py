"""The signed-in user of a request."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def user_of(request: HttpRequest) -> User:
    """Returns the signed-in user. Call it only behind login_required."""
    return cast(User, request.user)
