"""Dispatch: top the queues up from the rows that wait, a bounded number in flight for each user and lane.

The database is the truth and the broker a window on it: what is not dispatched waits in its row, and a
message that gets lost is sent again. Users take turns because nobody has more than a window of messages
in a queue, however much waits behind.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts import locks
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs import clock
from jobs.models import Picture
from jobs.models.job import Lane
from jobs.queue import circuit, claims, messages, windows

logger = logging.getLogger(__name__)

ORDER: Final = ("queued_at", "position")


def top_up(user: int, lanes: Collection[str] = tuple(Lane.values)) -> int:
    """Send messages for one user's waiting pictures until the windows of these lanes are full; how many.

    None while the file store is away: workers could only hand them back.
    """
    if circuit.is_open():
        return 0
    size = windows.size_of(user)
    return sum(_top_up_lane(user, lane, size) for lane in lanes)


def top_up_everyone() -> int:
    """Top up every user who waits: the tick that heals whatever a lost call or message left behind.

    Who waits behind a full window costs nothing but a row of an answer, so that the usual tick, which finds
    nothing to do, asks a few questions however many wait.
    """
    if circuit.is_open():
        return 0
    return sum(
        _top_up_lane(user, lane, size)
        for lane in Lane.values
        for user, size in windows.turns(Picture.objects.filter(lane=lane))
    )


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
        clock.older("dispatched_at", timedelta(seconds=settings.REDISPATCH_SECONDS)),
        lane=lane,
        state=Picture.State.QUEUED,
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


@again_after_deadlock
def _top_up_lane(user: int, lane: str, size: int) -> int:
    with transaction.atomic():
        chosen, now = windows.fill(user, Picture.objects.filter(lane=lane), size, ORDER)
        if chosen:
            after_commit(_send, chosen, lane, now)
    return len(chosen)


def _send(pictures: list[UUID], lane: str, dispatched_at: datetime) -> None:
    try:
        for picture in pictures:
            messages.send(lane, picture, dispatched_at)
    except (BrokerConnectionError, RedisError):
        # Not an error of the caller's: the rows are marked as sent, and the dispatcher's next tick finds
        # the broker back or tries again.
        logger.exception("the broker is away; %d pictures wait in the database", len(pictures))
        with transaction.atomic():
            held = locks.hold(Picture.objects.filter(pk__in=pictures, state=Picture.State.QUEUED))
            Picture.objects.filter(pk__in=held).update(dispatched_at=None)
