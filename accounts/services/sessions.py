"""Announces ended sessions, so that open connections can check whether their session is still valid."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import get_user
from django.db import transaction
from django.http import HttpRequest

_listeners: list[Callable[[int], None]] = []


def on_session_end(listener: Callable[[int], None]) -> None:
    """Register a listener, called with a user's id after a commit that may have ended the user's sessions."""
    _listeners.append(listener)


def notify_session_end(user: int) -> None:
    """Notify the listeners: the user signed out or changed the password."""

    def tell() -> None:
        for listener in _listeners:
            listener(user)

    transaction.on_commit(tell, robust=True)


def end_all(user: int) -> int:
    """End all sessions of a user, and announce it. Returns how many. Call it in a transaction."""
    rows = UserSession.objects.filter(user=user)
    keys = list(rows.values_list("session_key", flat=True))
    store = import_module(settings.SESSION_ENGINE).SessionStore
    store.get_model_class().objects.filter(session_key__in=keys).delete()
    rows.delete()
    notify_session_end(user)
    return len(keys)


def is_alive(key: str, user: int) -> bool:
    """Whether this session is still valid for this user, as for a new request."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request).pk == user
