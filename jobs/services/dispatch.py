"""Dispatch: top the queues up from the rows that wait, a bounded number in flight for each user and lane.

The database is the truth and the broker a window on it: what is not dispatched waits in its row, and a
message that gets lost is sent again. Users take turns because nobody has more than a window of messages
in a queue, however much waits behind.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts.models import Plan, User
from accounts.selectors import plan_of
from jobs import circuit
from jobs.models import Picture
from jobs.models.job import Lane
from jobs.services import claims, messages

logger = logging.getLogger(__name__)

USERS_AT_ONCE = 500
_IN_FLIGHT = Q(state__in=[Picture.State.QUEUED, Picture.State.RUNNING], dispatched_at__isnull=False)


def top_up(user: int, lanes: Collection[str] = tuple(Lane.values)) -> int:
    """Send messages for one user's waiting pictures until the windows of these lanes are full; how many.

    None while the file store is away: workers could only hand them back.
    """
    if circuit.is_open():
        return 0
    plan = plan_of(user)
    window = _window(plan.weight if plan else None)
    return sum(_top_up_lane(user, lane, window) for lane in lanes)


def _window(weight: int | None) -> int:
    return int(settings.WINDOW) * (weight or 1)


def top_up_everyone() -> int:
    """Top up every user who waits: the tick that heals whatever a lost call or message left behind.

    Who waits behind a full window costs nothing but a row of an answer, so that the usual tick, which finds
    nothing to do, asks four questions however many wait.
    """
    if circuit.is_open():
        return 0
    rooms = _rooms()
    # Users take turns, also where there are more of them than one tick serves.
    random.shuffle(rooms)
    return sum(_top_up_lane(*room) for room in rooms[: USERS_AT_ONCE * len(Lane.values)])


def _rooms() -> list[tuple[int, str, int]]:
    """User, lane and window of whoever waits in a lane where the window has room."""
    flying = {
        (user, lane): count
        for user, lane, count in Picture.objects.filter(_IN_FLIGHT)
        .order_by()
        .values_list("user", "lane")
        .annotate(Count("pk"))
    }
    usual = Plan.objects.filter(is_default=True).values_list("weight", flat=True).first()
    rooms = []
    for lane in Lane.values:
        waiting = Picture.objects.filter(
            user=OuterRef("pk"), lane=lane, state=Picture.State.QUEUED, dispatched_at__isnull=True
        ).filter(_due())
        for user, weight in User.objects.filter(Exists(waiting)).values_list("pk", "plan__weight"):
            window = _window(weight or usual)
            if flying.get((user, lane), 0) < window:
                rooms.append((user, lane, window))
    return rooms


def recover_lost(*, leases: bool = True) -> int:
    """Give out again what was lost: leases of dead workers and messages that nobody claimed; how many.

    leases: false while living workers may not have been able to renew theirs.
    """
    expired = claims.expire_leases() if leases else 0
    try:
        unclaimed = sum(_recover_messages(lane) for lane in Lane.values)
    except RedisError as error:
        # Nobody can tell what it holds, and what it holds is not lost.
        logger.warning("lost messages were not looked for: %s", error)
        unclaimed = 0
    if expired or unclaimed:
        logger.warning("recovered %d expired leases and %d lost messages", expired, unclaimed)
    return expired + unclaimed


def _recover_messages(lane: str) -> int:
    """Give back the places of messages that the broker does not hold any more; how many.

    One that waits in a long queue is not lost, however old it is: sent again, it would make the queue longer.
    """
    old = Picture.objects.filter(
        lane=lane,
        state=Picture.State.QUEUED,
        dispatched_at__lt=timezone.now() - timedelta(seconds=settings.REDISPATCH_SECONDS),
    ).values_list("pk", "dispatched_at")
    named = {messages.name(pk, sent): (pk, sent) for pk, sent in old if sent is not None}
    lost = messages.lost(lane, list(named))
    # Only as it was looked at: a worker may have claimed it, or another dispatcher sent it, meanwhile.
    return sum(
        Picture.objects.filter(pk=pk, state=Picture.State.QUEUED, dispatched_at=sent).update(
            dispatched_at=None
        )
        for pk, sent in map(named.__getitem__, lost)
    )


def _due() -> Q:
    return Q(not_before__isnull=True) | Q(not_before__lte=timezone.now())


def _top_up_lane(user: int, lane: str, window: int) -> int:
    with transaction.atomic():
        # The user's row is the lock: two dispatchers at once must not both see the same free places.
        if not User.objects.select_for_update().filter(pk=user).exists():
            return 0
        mine = Picture.objects.filter(user=user, lane=lane)
        in_flight = mine.filter(_IN_FLIGHT).count()
        free = window - in_flight
        if free <= 0:
            return 0
        chosen = list(
            mine.filter(state=Picture.State.QUEUED, dispatched_at__isnull=True)
            .filter(_due())
            .order_by("queued_at", "position")
            .values_list("pk", flat=True)[:free]
        )
        if not chosen:
            return 0
        now = timezone.now()
        Picture.objects.filter(pk__in=chosen, state=Picture.State.QUEUED).update(dispatched_at=now)
        transaction.on_commit(partial(_send, chosen, lane, now))
    return len(chosen)


def _send(pictures: list[UUID], lane: str, dispatched_at: datetime) -> None:
    try:
        for picture in pictures:
            messages.send(lane, picture, dispatched_at)
    except (BrokerConnectionError, RedisError):
        # Not an error of the caller's: the rows are marked as sent, and the dispatcher's next tick finds
        # the broker back or tries again.
        logger.exception("the broker is away; %d pictures wait in the database", len(pictures))
        Picture.objects.filter(pk__in=pictures, state=Picture.State.QUEUED).update(dispatched_at=None)
