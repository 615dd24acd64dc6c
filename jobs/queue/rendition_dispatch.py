"""Dispatches rendition requests: one window of messages for each user; lost messages are sent again."""

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
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs import clock, storage
from jobs.models import RenditionRequest
from jobs.models.job import Lane
from jobs.queue import circuit, messages, windows
from jobs.services import charging, removal

logger = logging.getLogger(__name__)

WORKER_LOST: Final = "worker_lost"
WORKER_LOST_SENTENCE: Final = "The worker broke off on this rendition every time. Try another recipe."


def top_up(user: int) -> int:
    """Send messages for a user's rendition requests until the window is full; how many."""
    if circuit.is_open():
        return 0
    return _top_up(user, windows.size_of(user))


def top_up_everyone() -> int:
    """Top up every user who waits: the tick that heals whatever a lost call or message left behind."""
    if circuit.is_open():
        return 0
    return sum(_top_up(user, size) for user, size in windows.turns(RenditionRequest.objects.all()))


@again_after_deadlock
def _top_up(user: int, size: int) -> int:
    with transaction.atomic():
        chosen, now = windows.fill(user, RenditionRequest.objects.all(), size, ("pk",))
        if chosen:
            after_commit(_send, chosen, now)
    return len(chosen)


def recover_lost(*, leases: bool = True) -> int:
    """Give out again what dead workers held, and messages that the broker does not hold; how many.

    leases: false while living workers may not have been able to renew theirs.
    """
    expired = _expire_leases() if leases else 0
    old = RenditionRequest.objects.filter(
        clock.older("dispatched_at", timedelta(seconds=settings.REDISPATCH_SECONDS)),
        state=RenditionRequest.State.QUEUED,
    ).values_list("pk", "dispatched_at")
    named = {messages.name(pk, sent): (pk, sent) for pk, sent in old if sent is not None}
    try:
        lost = messages.lost(Lane.INTERACTIVE, list(named)) if named else set()
    except RedisError as error:
        logger.warning("lost rendition requests were not looked for: %s", error)
        return expired
    return expired + sum(
        RenditionRequest.objects.filter(
            pk=pk, state=RenditionRequest.State.QUEUED, dispatched_at=sent
        ).update(dispatched_at=None)
        for pk, sent in map(named.__getitem__, lost)
    )


@again_after_deadlock
def _expire_leases() -> int:
    running = RenditionRequest.objects.filter(state=RenditionRequest.State.RUNNING)
    clock.rein_in(running, "lease_until", timedelta(seconds=settings.LEASE_SECONDS))
    lapsed = running.filter(lease_until__lt=clock.now())
    free = {"lease_token": None, "lease_until": None, "dispatched_at": None}
    with transaction.atomic():
        held = locks.fetch_held(lapsed.only("pk", "attempts", "matte"))
        again = [
            rendition_request.pk
            for rendition_request in held
            if rendition_request.attempts < settings.MAX_ATTEMPTS
        ]
        waiting = RenditionRequest.objects.filter(pk__in=again).update(
            state=RenditionRequest.State.QUEUED, **free
        )
        matte_of = {
            rendition_request.pk: rendition_request.matte_id
            for rendition_request in held
            if rendition_request.attempts >= settings.MAX_ATTEMPTS
        }
        # What a person sent for a matte that will never be.
        removal.discard(
            storage.incoming_key(rendition_request)
            for rendition_request, matte in matte_of.items()
            if matte is None
        )
        given_up = RenditionRequest.objects.filter(pk__in=matte_of).update(
            state=RenditionRequest.State.FAILED,
            error_code=WORKER_LOST,
            error_sentence=WORKER_LOST_SENTENCE,
            **free,
        )
        charging.take_back(RenditionRequest.objects.filter(pk__in=matte_of), WORKER_LOST)
    return int(waiting + given_up)


def claim(rendition_request: UUID, token: UUID) -> bool:
    """Take a queued rendition request, counting the attempt; false where it is not queued (any more)."""
    now = clock.now()
    taken = RenditionRequest.objects.filter(pk=rendition_request, state=RenditionRequest.State.QUEUED).update(
        state=RenditionRequest.State.RUNNING,
        attempts=F("attempts") + 1,
        lease_token=token,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
        dispatched_at=now,
    )
    # Asked twice after a broken connection, we know our own claim again.
    return bool(taken) or RenditionRequest.objects.filter(pk=rendition_request, lease_token=token).exists()


@again_after_deadlock
def renew(tokens: list[UUID]) -> int:
    """Extend the leases of rendition requests that this process still works on; how many still count."""
    until = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        held = locks.hold(
            RenditionRequest.objects.filter(lease_token__in=tokens, state=RenditionRequest.State.RUNNING)
        )
        return int(RenditionRequest.objects.filter(pk__in=held).update(lease_until=until))


def _send(rendition_requests: list[UUID], dispatched_at: datetime) -> None:
    from jobs.actors import render  # the actors call services: the import at the top would be a circle

    try:
        for rendition_request in rendition_requests:
            message = render.message(str(rendition_request)).copy(
                message_id=messages.name(rendition_request, dispatched_at)
            )
            render.broker.enqueue(message)
    except (BrokerConnectionError, RedisError):
        logger.exception(
            "the broker is away; %d rendition requests wait in the database", len(rendition_requests)
        )
        with transaction.atomic():
            held = locks.hold(
                RenditionRequest.objects.filter(
                    pk__in=rendition_requests, state=RenditionRequest.State.QUEUED
                )
            )
            RenditionRequest.objects.filter(pk__in=held).update(dispatched_at=None)
