"""Wishes on their way to a worker: a window for each user, as for pictures; what was lost is sent again."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts import locks
from jobs import clock, storage
from jobs.models import Wish
from jobs.models.job import Lane
from jobs.queue import circuit, messages, windows
from jobs.services import charging, removal
from jobs.services.after_commit import after_commit
from jobs.services.deadlocks import again_after_deadlock

logger = logging.getLogger(__name__)

WORKER_LOST: Final = "worker_lost"
WORKER_LOST_SENTENCE: Final = "The worker broke off on this rendition every time. Try another recipe."


def top_up(user: int) -> int:
    """Send messages for a user's wishes until the window is full; how many."""
    if circuit.is_open():
        return 0
    return _top_up(user, windows.size_of(user))


def top_up_everyone() -> int:
    """Top up every user who waits: the tick that heals whatever a lost call or message left behind."""
    if circuit.is_open():
        return 0
    return sum(_top_up(user, size) for user, size in windows.turns(Wish.objects.all()))


@again_after_deadlock
def _top_up(user: int, size: int) -> int:
    with transaction.atomic():
        chosen, now = windows.fill(user, Wish.objects.all(), size, ("pk",))
        if chosen:
            after_commit(_send, chosen, now)
    return len(chosen)


def recover_lost(*, leases: bool = True) -> int:
    """Give out again what dead workers held, and messages that the broker does not hold; how many.

    leases: false while living workers may not have been able to renew theirs.
    """
    expired = _expire_leases() if leases else 0
    old = Wish.objects.filter(
        clock.older("dispatched_at", timedelta(seconds=settings.REDISPATCH_SECONDS)),
        state=Wish.State.QUEUED,
    ).values_list("pk", "dispatched_at")
    named = {messages.name(pk, sent): (pk, sent) for pk, sent in old if sent is not None}
    try:
        lost = messages.lost(Lane.INTERACTIVE, list(named)) if named else set()
    except RedisError as error:
        logger.warning("lost wishes were not looked for: %s", error)
        return expired
    return expired + sum(
        Wish.objects.filter(pk=pk, state=Wish.State.QUEUED, dispatched_at=sent).update(dispatched_at=None)
        for pk, sent in map(named.__getitem__, lost)
    )


@again_after_deadlock
def _expire_leases() -> int:
    running = Wish.objects.filter(state=Wish.State.RUNNING)
    clock.rein_in(running, "lease_until", timedelta(seconds=settings.LEASE_SECONDS))
    lapsed = running.filter(lease_until__lt=clock.now())
    free = {"lease_token": None, "lease_until": None, "dispatched_at": None}
    with transaction.atomic():
        held = locks.fetch_held(lapsed.only("pk", "attempts", "matte"))
        again = [wish.pk for wish in held if wish.attempts < settings.MAX_ATTEMPTS]
        waiting = Wish.objects.filter(pk__in=again).update(state=Wish.State.QUEUED, **free)
        matte_of = {wish.pk: wish.matte_id for wish in held if wish.attempts >= settings.MAX_ATTEMPTS}
        # What a person sent for a matte that will never be.
        removal.discard(storage.incoming_key(wish) for wish, matte in matte_of.items() if matte is None)
        given_up = Wish.objects.filter(pk__in=matte_of).update(
            state=Wish.State.FAILED, error_code=WORKER_LOST, error_sentence=WORKER_LOST_SENTENCE, **free
        )
        charging.take_back(Wish.objects.filter(pk__in=matte_of), WORKER_LOST)
    return int(waiting + given_up)


def claim(wish: UUID, token: UUID) -> bool:
    """Take a queued wish, counting the attempt; false where it is not queued (any more)."""
    now = clock.now()
    taken = Wish.objects.filter(pk=wish, state=Wish.State.QUEUED).update(
        state=Wish.State.RUNNING,
        attempts=F("attempts") + 1,
        lease_token=token,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
        dispatched_at=now,
    )
    # Asked twice after a broken connection, we know our own claim again.
    return bool(taken) or Wish.objects.filter(pk=wish, lease_token=token).exists()


@again_after_deadlock
def renew(tokens: list[UUID]) -> int:
    """Extend the leases of wishes that this process still works on; how many still count."""
    until = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        held = locks.hold(Wish.objects.filter(lease_token__in=tokens, state=Wish.State.RUNNING))
        return int(Wish.objects.filter(pk__in=held).update(lease_until=until))


def _send(wishes: list[UUID], dispatched_at: datetime) -> None:
    from jobs.actors import render  # the actors call services: the import at the top would be a circle

    try:
        for wish in wishes:
            message = render.message(str(wish)).copy(message_id=messages.name(wish, dispatched_at))
            render.broker.enqueue(message)
    except (BrokerConnectionError, RedisError):
        logger.exception("the broker is away; %d wishes wait in the database", len(wishes))
        with transaction.atomic():
            held = locks.hold(Wish.objects.filter(pk__in=wishes, state=Wish.State.QUEUED))
            Wish.objects.filter(pk__in=held).update(dispatched_at=None)
