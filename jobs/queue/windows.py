"""Windows: how many messages of one user are out at once, whose turn it is, and which rows go next.

Shared by everything that users wait for: pictures and renditions. The rows are of a model with `user`,
`state`, `dispatched_at` and `not_before`.
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

# Users that one tick serves, for each kind of row.
USERS_AT_ONCE: Final = 500
IN_FLIGHT: Final = Q(state__in=["queued", "running"], dispatched_at__isnull=False)
WAITING: Final = Q(state="queued", dispatched_at__isnull=True)


def size_for(weight: int | None) -> int:
    """Messages that a user of a plan of that weight may have out at once."""
    return int(settings.WINDOW) * (weight or 1)


def size_of(user: int) -> int:
    """Messages that this user may have out at once."""
    plan = plan_of(user)
    return size_for(plan.weight if plan else None)


def turns(rows: QuerySet[Any]) -> list[tuple[int, int]]:
    """The next users to serve, each with the size of their window: who waits and has room in it.

    In random order, so that users take turns also where more of them wait than one tick serves. Who waits
    behind a full window takes nobody's place.
    """
    out = dict(rows.filter(IN_FLIGHT).order_by().values_list("user").annotate(Count("pk")))
    usual = Plan.objects.filter(is_default=True).values_list("weight", flat=True).first()
    waiting = rows.filter(WAITING, due(), user=OuterRef("pk"))
    users = User.objects.filter(Exists(waiting)).values_list("pk", "plan__weight")
    found = [(user, size_for(weight or usual)) for user, weight in users]
    ready = [(user, size) for user, size in found if out.get(user, 0) < size]
    random.shuffle(ready)
    return ready[:USERS_AT_ONCE]


def fill(user: int, rows: QuerySet[Any], size: int, order: tuple[str, ...]) -> tuple[list[UUID], datetime]:
    """Mark this user's next rows as sent until the window is full: which, and when.

    Call it in a transaction, and send the messages when it is committed.
    """
    now = clock.now()
    # Two dispatchers at once must not both see the same free places.
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
    """Rows that need not rest any longer."""
    longest = max(2 ** (settings.MAX_ATTEMPTS - 1), settings.STORE_PAUSE_SECONDS)
    return Q(not_before__isnull=True) | clock.passed("not_before", timedelta(seconds=longest))
