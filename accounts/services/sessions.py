"""Lists and ends sessions. Announces their end, so that open connections check theirs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AuditAction, User
from accounts.services import audit
from common.addresses import client_address

# Stands for an unknown address: the column is never empty.
NOWHERE: Final = "0.0.0.0"  # noqa: S104  # nothing binds to it
USER_AGENT_LENGTH: Final = 200

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


def note_use(request: HttpRequest, user: User) -> None:
    """Records where and when this session was used; adds it to the list of the person's sessions."""
    if not request.session.session_key:
        request.session.save()
    key = request.session.session_key
    facts = {
        "ip": client_address(request) or NOWHERE,
        "user_agent": request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH],
        "last_seen_at": timezone.now(),
    }
    if UserSession.objects.filter(session_key=key, user=user).update(**facts):
        return
    if Session.objects.filter(session_key=key).exists():  # not if it ended in this request
        UserSession.objects.bulk_create(
            [UserSession(session_key=key, user=user, **facts)], ignore_conflicts=True
        )


def forget_dead(user: User) -> None:
    """Removes sessions that expired or ended otherwise from the list of a person's sessions."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())
    UserSession.objects.filter(~Exists(alive), user=user).delete()


def forget(key: str) -> None:
    """Removes a session that ends from the list of the person's sessions."""
    UserSession.objects.filter(session_key=key).delete()


def end(user: User, number: int, *, current: str) -> bool:
    """Ends one session of a user by its number in the list, but not the current one. Returns whether it was
    there.
    """
    return _end(user, _others(user, current).filter(pk=number)) == 1


def end_others(user: User, *, current: str) -> int:
    """Ends all sessions of a user but the current one. Returns how many."""
    return _end(user, _others(user, current))


def _others(user: User, current: str) -> QuerySet[UserSession]:
    found: QuerySet[UserSession] = UserSession.objects.filter(user=user).exclude(session_key=current)
    return found


def _end(user: User, rows: QuerySet[UserSession]) -> int:
    with transaction.atomic():
        keys = list(rows.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=keys).delete()
        ended, _by_model = UserSession.objects.filter(user=user, session_key__in=keys).delete()
        if ended:
            audit.record(AuditAction.SESSION_ENDED, subject=user, facts={"count": ended})
            notify_session_end(user.pk)
    return int(ended)
