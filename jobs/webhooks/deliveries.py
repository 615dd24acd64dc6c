"""Deliveries: handed to the broker from the rows that are due, claimed, sent, and tried again for a day.

As with pictures the database is the truth: an account and each of its endpoints have a few messages out at a
time, whatever waits, and what the broker loses comes due again.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import dramatiq
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Subquery
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts import locks
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs import clock, fetching
from jobs.errors import WebhookRefusedError
from jobs.fetching import FetchRefusedError
from jobs.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookMessage
from jobs.queue.retries import with_retries
from jobs.webhooks import secrets, services
from jobs.webhooks.secrets import UnreadableSecretError
from jobs.webhooks.windows import BUSY_SECONDS, RUNNING, shares

logger = logging.getLogger(__name__)

QUEUE: Final = "webhooks"
ACTOR: Final = "deliver_webhook"
# Seconds from a failure to the next attempt, as Standard Webhooks suggests it: 24 hours in all.
BACK_OFF: Final = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600)
# Up to so much longer at random: receivers that fail under load are not met by everything at once again.
JITTER: Final = 0.1
LONGEST_PAUSE: Final = 24 * 3600.0
# Beyond WEBHOOK_SECONDS, for the database before and after.
SLACK: Final = timedelta(seconds=60)
AT_ONCE: Final = 500

Waiting = WebhookDelivery.State.WAITING
GONE: Final = 410
INTERNAL: Final = "internal_error"
INTERNAL_SENTENCE: Final = "Something went wrong on our side before an answer was there."


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt."""

    at: datetime
    milliseconds: int
    status: int | None = None
    error_code: str = ""
    error_sentence: str = ""
    retry_after: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the other side took it."""
        return self.status is not None and 200 <= self.status < 300


def top_up(endpoint: UUID) -> int:
    """Top up the account of an endpoint; how many deliveries."""
    user = WebhookEndpoint.objects.filter(pk=endpoint).values_list("user", flat=True).first()
    return top_up_account(user) if user is not None else 0


@again_after_deadlock
def top_up_account(user: int) -> int:
    """Hand deliveries of a user that are due to the broker, until the windows are full; how many."""
    now = clock.now()
    with transaction.atomic():
        due = WebhookDelivery.objects.filter(state=Waiting, sent_at__isnull=True, next_at__lte=now)
        of_each = due.filter(endpoint=OuterRef("pk")).order_by("next_at", "pk")
        # The rows of all endpoints are the lock: two at once must not see the same free places.
        on = WebhookEndpoint.objects.filter(user=user, user__is_active=True, enabled=True)
        endpoints = locks.fetch_held(on.annotate(first_due=Subquery(of_each.values("next_at")[:1])))
        out = WebhookDelivery.objects.filter(endpoint__user=user, state=Waiting, sent_at__isnull=False)
        counts = Counter(dict(out.order_by().values_list("endpoint").annotate(Count("pk"))))
        chosen: list[UUID] = []
        for pk, places in shares(endpoints, counts).items():  # at most as many as there are places
            first = due.filter(endpoint=pk).order_by("next_at", "pk")
            chosen += first.values_list("pk", flat=True)[:places]
        WebhookDelivery.objects.filter(pk__in=chosen).update(sent_at=now)
        after_commit(_send, chosen)
    return len(chosen)


def top_up_everyone() -> int:
    """Top up every account for which something is due; how many deliveries. The scheduler's tick."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state=Waiting, sent_at__isnull=True, next_at__lte=clock.now()
    )
    endpoints = WebhookEndpoint.objects.filter(Exists(due), enabled=True, user__is_active=True)
    users = endpoints.order_by("user").values_list("user", flat=True).distinct()
    return sum(map(top_up_account, users))


def recover_lost() -> int:
    """Let come due again what was sent and neither claimed nor ended: lost messages, dead couriers; how many.

    A claim puts `next_at` off for as long as an attempt may take.
    """
    sent = WebhookDelivery.objects.filter(state=Waiting, sent_at__isnull=False)
    # What was sent before the clock went back would seem to be sent, or claimed, in the future.
    clock.rein_in(sent, "sent_at", timedelta(0))
    clock.rein_in(sent.filter(token__isnull=True), "next_at", timedelta(0))
    clock.rein_in(sent.filter(token__isnull=False), "next_at", _longest())
    now = clock.now()
    lost = sent.filter(
        next_at__lte=now,
        sent_at__lt=now - timedelta(seconds=settings.REDISPATCH_SECONDS),
    )
    with transaction.atomic():
        held = locks.hold(lost, skip_locked=True)
        return WebhookDelivery.objects.filter(pk__in=held).update(sent_at=None)


def bring_forward() -> int:
    """Make due what was never tried and would wait because the clock went back since; how many."""
    untried = WebhookDelivery.objects.filter(state=Waiting, sent_at__isnull=True, attempts=0)
    return clock.rein_in(untried, "next_at", timedelta(0))


def _longest() -> timedelta:
    """How long a claim counts."""
    return timedelta(seconds=settings.WEBHOOK_SECONDS) + SLACK


def deliver(delivery: UUID) -> None:
    """Make the attempt that is due. Safe to run twice: the second finds nothing due."""
    token = uuid4()
    row = with_retries(partial(_claim, delivery, token))
    if row is None:
        return
    if not row.endpoint.user.is_active:
        # Closed since it was sent off. Nobody hears of what such an account has.
        services.disable(row.endpoint, WebhookEndpoint.Off.CLOSED)
        return
    user = row.endpoint.user_id
    if not RUNNING.take(user):
        _put_back(row, token)
        return
    try:
        outcome = _attempt(row)
    except UnreadableSecretError:
        logger.error("the secret of webhook %s cannot be derived: SECRET_KEY changed", row.endpoint_id)
        services.disable(row.endpoint, WebhookEndpoint.Off.UNREADABLE)
        return
    finally:
        RUNNING.give_back(user)
    with_retries(partial(_record, row, token, outcome))
    top_up(row.endpoint_id)


def replay(delivery: WebhookDelivery) -> None:
    """Send it once more, now, under the id that it had, with all retries before it.

    Raises WebhookRefusedError `webhook_disabled`.
    """
    with transaction.atomic():
        hold_enabled(delivery.endpoint)
        _again(WebhookDelivery.objects.filter(pk=delivery.pk))
        after_commit(top_up, delivery.endpoint_id)
    delivery.refresh_from_db()


def replay_failed(endpoint: WebhookEndpoint) -> int:
    """Send once more whatever was given up for this endpoint; how many. Raises as `replay` does."""
    with transaction.atomic():
        hold_enabled(endpoint)
        count = _again(WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.FAILED))
        after_commit(top_up, endpoint.pk)
    return count


def sweep() -> int:
    """Delete messages with their logs whose days are over; how many."""
    old = WebhookMessage.objects.filter(
        created_at__lt=clock.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    )
    chosen = list(old.values_list("pk", flat=True)[:AT_ONCE])
    WebhookMessage.objects.filter(pk__in=chosen).delete()
    return len(chosen)


def hold_enabled(endpoint: WebhookEndpoint) -> None:
    """Lock an endpoint that is on. Raises WebhookRefusedError `webhook_disabled` where it is not, or gone."""
    if not locks.hold(WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True)):
        raise WebhookRefusedError("webhook_disabled", "This webhook is switched off. Switch it on first.")


def _again(rows) -> int:  # type: ignore[no-untyped-def]  # a QuerySet of deliveries
    """Those of the rows that are not being attempted right now become due."""
    return int(
        rows.filter(token__isnull=True).update(
            state=Waiting, attempts=0, next_at=clock.now(), sent_at=None, ended_at=None
        )
    )


def _send(chosen: Sequence[UUID]) -> None:
    # By name: importing the actor would make whoever sends, a worker of pictures for one, take them too.
    broker = dramatiq.get_broker()
    try:
        for pk in chosen:
            broker.enqueue(
                dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(str(pk),), kwargs={}, options={})
            )
    except (BrokerConnectionError, RedisError):
        logger.exception("the broker is away; %d deliveries wait in the database", len(chosen))
        WebhookDelivery.objects.filter(pk__in=chosen, state=Waiting).update(sent_at=None)


def _claim(delivery: UUID, token: UUID) -> WebhookDelivery | None:
    """Take a delivery that is due, counting the attempt, and put it off for as long as that may take."""
    now = clock.now()
    until = now + _longest()
    free = WebhookDelivery.objects.filter(pk=delivery, state=Waiting, next_at__lte=now)
    free.update(attempts=F("attempts") + 1, next_at=until, sent_at=now, token=token)
    # By the token, not by the count: the answer to an earlier try of this may have been lost.
    mine = WebhookDelivery.objects.filter(pk=delivery, state=Waiting, token=token)
    return mine.select_related("message", "endpoint__user").first()


def _put_back(delivery: WebhookDelivery, token: UUID) -> None:
    """Undo a claim: as many of its account's attempts run as may."""
    soon = clock.now() + timedelta(seconds=BUSY_SECONDS)
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=Waiting, token=token)
    mine.update(attempts=F("attempts") - 1, next_at=soon, sent_at=None, token=None)


def _attempt(delivery: WebhookDelivery) -> Outcome:
    now, began = clock.now(), time.monotonic()
    message, endpoint = delivery.message, delivery.endpoint
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": secrets.sign(endpoint, message.name, now, message.body),
    }
    try:
        answer = fetching.send(endpoint.url, message.body.encode(), headers, seconds=settings.WEBHOOK_SECONDS)
    except FetchRefusedError as error:
        return Outcome(now, _milliseconds(began), error_code=error.code, error_sentence=error.sentence)
    except Exception:
        # It counts as an attempt: what breaks each time would otherwise be tried for ever, and nobody told.
        logger.exception("the attempt at webhook delivery %s broke", delivery.pk)
        return Outcome(now, _milliseconds(began), error_code=INTERNAL, error_sentence=INTERNAL_SENTENCE)
    return Outcome(now, answer.milliseconds, answer.status, retry_after=answer.retry_after)


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _record(delivery: WebhookDelivery, token: UUID, outcome: Outcome) -> None:
    """Write down what came of an attempt, and what follows. Nothing where the claim no longer counts."""
    now = clock.now()
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=Waiting, token=token)
    endpoints = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    over = {"sent_at": None, "token": None}
    with transaction.atomic():
        # The endpoint before its deliveries, everywhere.
        locks.hold(endpoints)
        if outcome.delivered:
            counts = mine.update(state=WebhookDelivery.State.DELIVERED, next_at=None, ended_at=now, **over)
        elif (pause := _pause(delivery, outcome)) is not None:
            counts = mine.update(next_at=now + timedelta(seconds=pause), **over)
        else:
            counts = mine.update(state=WebhookDelivery.State.FAILED, next_at=None, ended_at=now, **over)
        if not counts:
            return
        WebhookAttempt.objects.create(
            delivery=delivery,
            at=outcome.at,
            milliseconds=max(0, outcome.milliseconds),
            status=outcome.status,
            error_code=outcome.error_code,
            error_sentence=outcome.error_sentence,
        )
        if outcome.delivered:
            endpoints.filter(failing_since__isnull=False).update(failing_since=None)
            return
        endpoints.filter(failing_since__isnull=True).update(failing_since=now)
        long_ago = now - timedelta(days=settings.WEBHOOK_FAILING_DAYS)
        if outcome.status == GONE:
            services.disable(delivery.endpoint, WebhookEndpoint.Off.GONE)
        elif endpoints.filter(failing_since__lte=long_ago).exists():
            services.disable(delivery.endpoint, WebhookEndpoint.Off.FAILING)


def _pause(delivery: WebhookDelivery, outcome: Outcome) -> float | None:
    """Seconds until the next attempt; None where this was the last. A test has one: somebody looks on."""
    if delivery.message.event == WebhookEvent.TEST or delivery.attempts > len(BACK_OFF):
        return None
    pause = BACK_OFF[delivery.attempts - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311  # no secret
    return min(max(pause, outcome.retry_after or 0), LONGEST_PAUSE)
