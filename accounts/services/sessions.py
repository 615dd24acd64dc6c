"""The end of sessions: whoever keeps something open for one is told to look whether it is still alive."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import transaction
from django.http import HttpRequest

_listeners: list[Callable[[int], None]] = []


def when_one_ends(listener: Callable[[int], None]) -> None:
    """Call this with a user's number, after the commit, whenever sessions of theirs may have ended."""
    _listeners.append(listener)


def may_have_ended(user: int) -> None:
    """Tell: the user signed out somewhere, or has another password."""

    def tell() -> None:
        for listener in _listeners:
            listener(user)

    transaction.on_commit(tell, robust=True)


def is_alive(key: str, user: int) -> bool:
    """Whether the session with this key still stands for this user, as for a new request."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request).pk == user
