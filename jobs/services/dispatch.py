"""Dispatch: top the queues up from the rows that wait, a bounded number in flight for each user and lane.

The database is the truth and the broker a window on it: what is not dispatched waits in its row, and a
message that gets lost is sent again. Users take turns because nobody has more than a window of messages
in a queue, however much waits behind.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts.models import User
from accounts.selectors import plan_of
from jobs import circuit
from jobs.models import Picture
from jobs.models.job import Lane
from jobs.services import claims

logger = logging.getLogger(__name__)

USERS_AT_ONCE = 500


def top_up(user: int) -> int:
    """Send messages for one user's waiting pictures until the windows of both lanes are full; how many.

    None while the file store is away: workers could only hand them back.
    """
    if circuit.is_open():
        return 0
    plan = plan_of(user)
    window = settings.WINDOW * (plan.weight if plan else 1)
    return sum(_top_up_lane(user, lane, window) for lane in Lane.values)


def top_up_everyone() -> int:
    """Top up every user who waits: the tick that heals whatever a lost call or message left behind."""
    waiting = Picture.objects.filter(
        user=OuterRef("pk"), state=Picture.State.QUEUED, dispatched_at__isnull=True
    ).filter(_due())
    # One short indexed query for each user who has something to send; nobody else costs anything.
    users = User.objects.filter(Exists(waiting)).order_by("?").values_list("pk", flat=True)[:USERS_AT_ONCE]
    return sum(top_up(user) for user in users)


def recover_lost(*, leases: bool = True) -> int:
    """Give out again what was lost: leases of dead workers and messages that nobody claimed; how many.

    leases: false while living workers may not have been able to renew theirs.
    """
    expired = claims.expire_leases() if leases else 0
    unclaimed = Picture.objects.filter(
        state=Picture.State.QUEUED,
        dispatched_at__lt=timezone.now() - timedelta(seconds=settings.REDISPATCH_SECONDS),
    ).update(dispatched_at=None)
    if expired or unclaimed:
        logger.warning("recovered %d expired leases and %d unclaimed messages", expired, unclaimed)
    return expired + unclaimed


def _due() -> Q:
    return Q(not_before__isnull=True) | Q(not_before__lte=timezone.now())


def _top_up_lane(user: int, lane: str, window: int) -> int:
    with transaction.atomic():
        # The user's row is the lock: two dispatchers at once must not both see the same free places.
        if not User.objects.select_for_update().filter(pk=user).exists():
            return 0
        mine = Picture.objects.filter(user=user, lane=lane)
        in_flight = mine.filter(
            state__in=[Picture.State.QUEUED, Picture.State.RUNNING], dispatched_at__isnull=False
        ).count()
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
        Picture.objects.filter(pk__in=chosen, state=Picture.State.QUEUED).update(dispatched_at=timezone.now())
        transaction.on_commit(partial(_send, chosen, lane))
    return len(chosen)


def _send(pictures: list[UUID], lane: str) -> None:
    from jobs.actors import segment  # the actors call services: the import at the top would be a circle

    try:
        for picture in pictures:
            segment[lane].send(str(picture))
    except (BrokerConnectionError, RedisError):
        # Not an error of the caller's: the rows are marked as sent, and the dispatcher's next tick finds
        # the broker back or tries again.
        logger.exception("the broker is away; %d pictures wait in the database", len(pictures))
        Picture.objects.filter(pk__in=pictures, state=Picture.State.QUEUED).update(dispatched_at=None)
