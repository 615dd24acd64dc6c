"""Webhook deliveries: dispatch of due rows to the broker, claims, attempts, and retries for a day.

The database is the source of truth, as it is for pictures. An account and each of its endpoints have a few
messages in the broker at a time, however long the backlog is. A message that the broker loses becomes due
again.
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
# Seconds from a failure to the next attempt, as Standard Webhooks suggests: 24 hours in all.
BACK_OFF: Final = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600)
# Each pause is up to this fraction longer, at random, so that a receiver that failed under load does not get
# all retries at once.
JITTER: Final = 0.1
LONGEST_PAUSE: Final = 24 * 3600.0
# Added to WEBHOOK_SECONDS for the database work before and after an attempt.
SLACK: Final = timedelta(seconds=60)
AT_ONCE: Final = 500

Waiting = WebhookDelivery.State.WAITING
GONE: Final = 410
INTERNAL: Final = "internal_error"
INTERNAL_SENTENCE: Final = "An internal error stopped this attempt before a response arrived."


@dataclass(frozen=True)
class Outcome:
    """The result of one attempt."""

    at: datetime
    milliseconds: int
    status: int | None = None
    error_code: str = ""
    error_sentence: str = ""
    retry_after: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted the message."""
        return self.status is not None and 200 <= self.status < 300


def top_up(endpoint: UUID) -> int:
    """Tops up the account of an endpoint. Returns the number of dispatched deliveries."""
    user = WebhookEndpoint.objects.filter(pk=endpoint).values_list("user", flat=True).first()
    return top_up_account(user) if user is not None else 0


@again_after_deadlock
def top_up_account(user: int) -> int:
    """Dispatches a user's due deliveries to the broker until the windows are full. Returns their number."""
    now = clock.now()
    with transaction.atomic():
        due = WebhookDelivery.objects.filter(state=Waiting, sent_at__isnull=True, next_at__lte=now)
        of_each = due.filter(endpoint=OuterRef("pk")).order_by("next_at", "pk")
        # The rows of all endpoints are the lock: concurrent top-ups must not both use the same free slots.
        on = WebhookEndpoint.objects.filter(user=user, user__is_active=True, enabled=True)
        endpoints = locks.fetch_held(on.annotate(first_due=Subquery(of_each.values("next_at")[:1])))
        out = WebhookDelivery.objects.filter(endpoint__user=user, state=Waiting, sent_at__isnull=False)
        counts = Counter(dict(out.order_by().values_list("endpoint").annotate(Count("pk"))))
        chosen: list[UUID] = []
        for pk, places in shares(endpoints, counts).items():  # at most as many as there are free slots
            first = due.filter(endpoint=pk).order_by("next_at", "pk")
            chosen += first.values_list("pk", flat=True)[:places]
        WebhookDelivery.objects.filter(pk__in=chosen).update(sent_at=now)
        after_commit(_send, chosen)
    return len(chosen)


def top_up_everyone() -> int:
    """Tops up every account with due deliveries; the scheduler calls it. Returns the number of deliveries."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state=Waiting, sent_at__isnull=True, next_at__lte=clock.now()
    )
    endpoints = WebhookEndpoint.objects.filter(Exists(due), enabled=True, user__is_active=True)
    users = endpoints.order_by("user").values_list("user", flat=True).distinct()
    return sum(map(top_up_account, users))


def recover_lost() -> int:
    """Makes deliveries due again that were dispatched but neither claimed nor finished: lost messages and
    crashed couriers. Returns their number.

    A claim postpones `next_at` by the longest time that an attempt may take.
    """
    sent = WebhookDelivery.objects.filter(state=Waiting, sent_at__isnull=False)
    # After the clock goes back, rows that were dispatched or claimed before appear to be from the future.
    clock.cap_future_times(sent, "sent_at", timedelta(0))
    clock.cap_future_times(sent.filter(token__isnull=True), "next_at", timedelta(0))
    clock.cap_future_times(sent.filter(token__isnull=False), "next_at", _longest())
    now = clock.now()
    lost = sent.filter(
        next_at__lte=now,
        sent_at__lt=now - timedelta(seconds=settings.REDISPATCH_SECONDS),
    )
    with transaction.atomic():
        held = locks.hold(lost, skip_locked=True)
        return WebhookDelivery.objects.filter(pk__in=held).update(sent_at=None)


def bring_forward() -> int:
    """Makes untried deliveries due that would wait because the clock went back. Returns their number."""
    untried = WebhookDelivery.objects.filter(state=Waiting, sent_at__isnull=True, attempts=0)
    return clock.cap_future_times(untried, "next_at", timedelta(0))


def _longest() -> timedelta:
    """How long a claim is valid."""
    return timedelta(seconds=settings.WEBHOOK_SECONDS) + SLACK


def deliver(delivery: UUID) -> None:
    """Makes the due attempt. Safe to run twice: the second run finds nothing due."""
    token = uuid4()
    row = with_retries(partial(_claim, delivery, token))
    if row is None:
        return
    if not row.endpoint.user.is_active:
        # The account was closed after the dispatch. Nothing is sent about the data of a closed account.
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
    """Sends a delivery again at once, with its original id and a full set of retries.

    Raises WebhookRefusedError `webhook_disabled`.
    """
    with transaction.atomic():
        hold_enabled(delivery.endpoint)
        _again(WebhookDelivery.objects.filter(pk=delivery.pk))
        after_commit(top_up, delivery.endpoint_id)
    delivery.refresh_from_db()


def replay_failed(endpoint: WebhookEndpoint) -> int:
    """Sends an endpoint's failed deliveries again. Returns their number. Raises the errors of `replay`."""
    with transaction.atomic():
        hold_enabled(endpoint)
        count = _again(WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.FAILED))
        after_commit(top_up, endpoint.pk)
    return count


def sweep() -> int:
    """Deletes messages, with their logs, that are older than WEBHOOK_LOG_DAYS. Returns their number."""
    old = WebhookMessage.objects.filter(
        created_at__lt=clock.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    )
    chosen = list(old.values_list("pk", flat=True)[:AT_ONCE])
    WebhookMessage.objects.filter(pk__in=chosen).delete()
    return len(chosen)


def hold_enabled(endpoint: WebhookEndpoint) -> None:
    """Locks an enabled endpoint. Raises WebhookRefusedError `webhook_disabled` if it is disabled or gone."""
    if not locks.hold(WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True)):
        raise WebhookRefusedError("webhook_disabled", "This webhook is switched off. Switch it on first.")


def _again(rows) -> int:  # type: ignore[no-untyped-def]  # a QuerySet of deliveries
    """Makes those of the rows due that have no attempt in progress. Returns their number."""
    return int(
        rows.filter(token__isnull=True).update(
            state=Waiting, attempts=0, next_at=clock.now(), sent_at=None, ended_at=None
        )
    )


def _send(chosen: Sequence[UUID]) -> None:
    # Enqueues by name. Importing the actor would make the sending process, for example a picture worker,
    # consume this queue.
    broker = dramatiq.get_broker()
    try:
        for pk in chosen:
            broker.enqueue(
                dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(str(pk),), kwargs={}, options={})
            )
    except (BrokerConnectionError, RedisError):
        logger.exception("the broker is unavailable; %d deliveries wait in the database", len(chosen))
        WebhookDelivery.objects.filter(pk__in=chosen, state=Waiting).update(sent_at=None)


def _claim(delivery: UUID, token: UUID) -> WebhookDelivery | None:
    """Claims a due delivery: counts the attempt and postpones the row by the longest time that an attempt may
    take.
    """
    now = clock.now()
    until = now + _longest()
    free = WebhookDelivery.objects.filter(pk=delivery, state=Waiting, next_at__lte=now)
    free.update(attempts=F("attempts") + 1, next_at=until, sent_at=now, token=token)
    # Finds the row by the token, not by the update count: if the reply to an earlier try was lost, the count
    # is 0.
    mine = WebhookDelivery.objects.filter(pk=delivery, state=Waiting, token=token)
    return mine.select_related("message", "endpoint__user").first()


def _put_back(delivery: WebhookDelivery, token: UUID) -> None:
    """Releases a claim because the account is at its concurrency limit."""
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
        # Counts as an attempt. Otherwise a delivery that always crashes would be retried for ever, unnoticed.
        logger.exception("webhook delivery %s: the attempt crashed", delivery.pk)
        return Outcome(now, _milliseconds(began), error_code=INTERNAL, error_sentence=INTERNAL_SENTENCE)
    return Outcome(now, answer.milliseconds, answer.status, retry_after=answer.retry_after)


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _record(delivery: WebhookDelivery, token: UUID, outcome: Outcome) -> None:
    """Records the outcome of an attempt and what follows from it. Does nothing if the claim is no longer
    valid.
    """
    now = clock.now()
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=Waiting, token=token)
    endpoints = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    over = {"sent_at": None, "token": None}
    with transaction.atomic():
        # Lock order everywhere: the endpoint, then its deliveries.
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
    """Returns the seconds until the next attempt; None if this was the last. A test message gets one attempt,
    because the user waits for its result.
    """
    if delivery.message.event == WebhookEvent.TEST or delivery.attempts > len(BACK_OFF):
        return None
    pause = BACK_OFF[delivery.attempts - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311  # no secret
    return min(max(pause, outcome.retry_after or 0), LONGEST_PAUSE)
