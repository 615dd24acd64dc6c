"""Windows: how many messages of one user are in flight at once, which users are served next, and which rows.

The window is what makes users take turns: nobody has more than a window of messages in a queue, however many
rows wait in the database. A plan's weight widens it.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts import locks
from accounts.models import Plan, User
from accounts.selectors import plan_of
from jobs import clock
from jobs.models.leased import IN_FLIGHT, WAITING

# Users that one tick serves in each queue of a line.
USERS_PER_TICK: Final = 500


def size_for(weight: int | None) -> int:
    """The window of a user whose plan has this weight."""
    return int(settings.WINDOW) * (weight or 1)


def size_of(user: int) -> int:
    """The window of this user."""
    plan = plan_of(user)
    return size_for(plan.weight if plan else None)


def next_users(rows: QuerySet[Any]) -> list[tuple[int, int]]:
    """The next users to serve, each with the size of their window.

    Only users with rows that wait and with room in their window. The order is random, so that all take turns
    even if more wait than one tick serves.
    """
    in_flight = dict(rows.filter(IN_FLIGHT).order_by().values_list("user").annotate(Count("pk")))
    default = Plan.objects.filter(is_default=True).values_list("weight", flat=True).first()
    waiting = rows.filter(WAITING, due(), user=OuterRef("pk"))
    users = User.objects.filter(Exists(waiting)).values_list("pk", "plan__weight")
    found = [(user, size_for(weight or default)) for user, weight in users]
    ready = [(user, size) for user, size in found if in_flight.get(user, 0) < size]
    random.shuffle(ready)
    return ready[:USERS_PER_TICK]


def fill(user: int, rows: QuerySet[Any], size: int, order: tuple[str, ...]) -> tuple[list[UUID], datetime]:
    """Mark this user's next rows as dispatched until the window is full. Returns their keys and the time.

    Call it in a transaction, and send the messages when it is committed.
    """
    now = clock.now()
    # The lock keeps two dispatchers from filling the same free places.
    if not locks.hold_user(user):
        return [], now
    mine = rows.filter(user=user)
    free = size - mine.filter(IN_FLIGHT).count()
    if free <= 0:
        return [], now
    waiting = mine.filter(WAITING, due()).order_by(*order)
    chosen = list(waiting.values_list("pk", flat=True)[:free])
    held = set(locks.hold(rows.filter(pk__in=chosen, state="queued"))) if chosen else set()
    sent = [pk for pk in chosen if pk in held]
    if sent:
        rows.filter(pk__in=sent).update(dispatched_at=now)
    return sent, now


def due() -> Q:
    """Rows whose back-off is over."""
    longest = max(2 ** (settings.MAX_ATTEMPTS - 1), settings.STORE_PAUSE_SECONDS)
    return Q(not_before__isnull=True) | clock.passed("not_before", timedelta(seconds=longest))
