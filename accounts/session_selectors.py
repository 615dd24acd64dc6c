"""Where a person is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.devices import device
from accounts.models import User
from accounts.services.sessions import NOWHERE

SHOWN: Final = 50


@dataclass(frozen=True)
class SignedIn:
    """One session. number: its number in the list; device: browser and system in words; address: "" where it
    is unknown.
    """

    number: int
    device: str
    address: str
    since: datetime
    last_seen: datetime
    is_current: bool


def sessions_of(user: User, *, current: str) -> list[SignedIn]:
    """Returns a person's live sessions: the current one, then the others, used last first; at most SHOWN.

    current: the key of the session that asks. Two queries, whatever the number of sessions.
    """
    rows = list(UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk")[:SHOWN])
    kept = Session.objects.filter(
        session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
    )
    alive = {session.session_key for session in kept if _is_of(user, session)}
    found = [_shown(row, current) for row in rows if row.session_key in alive]
    return sorted(found, key=lambda one: not one.is_current)


def _is_of(user: User, session: Session) -> bool:
    """Whether a session is the user's, and not void after a change of the password."""
    data = session.get_decoded()
    if data.get(SESSION_KEY) != str(user.pk):
        return False
    return constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())


def _shown(row: UserSession, current: str) -> SignedIn:
    return SignedIn(
        number=row.pk,
        device=device(row.user_agent),
        address="" if row.ip == NOWHERE else row.ip,
        since=row.created_at,
        last_seen=row.last_seen_at,
        is_current=row.session_key == current,
    )
