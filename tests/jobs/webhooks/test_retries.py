"""Deliveries are signed, and retried for a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from jobs import fetching
from jobs.models import WebhookEndpoint
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import DAY, NOON, happen, tick, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def test_signatures_follow_standard_webhooks(
    user: User, made: tuple[WebhookEndpoint, str], receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    assert courier() == 1
    (taken,) = receiver.taken
    assert taken.is_signed_with(made[1])
    assert not taken.is_signed_with("whsec_" + "A" * 43)
    assert taken.id == f"msg_{delivery.message_id.hex}"
    assert taken.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert taken.headers["content-type"] == "application/json"
    assert taken.body == delivery.message.body
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.ended_at) == ("delivered", 1, NOON)
    assert told(delivery) == [(204, "")]
    assert courier() == 0


def test_retries_continue_for_a_day_with_the_same_id_and_body(
    user: User,
    made: tuple[WebhookEndpoint, str],
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    delivery = happen(user)
    receiver.answers = [500, 404, 302, 429, 502, 199, 503, 500]
    waits = []
    courier()
    while True:
        delivery.refresh_from_db()
        if delivery.state != "waiting":
            break
        assert delivery.next_at is not None
        wait = delivery.next_at - datetime.now(UTC)
        waits.append(wait.total_seconds())
        clock.shift(wait - timedelta(seconds=1))
        tick()
        assert courier() == 0, "not before it is due"
        clock.shift(1)
        tick()
        assert courier() == 1
    for wait, least in zip(waits, deliveries.BACK_OFF, strict=True):
        assert least <= wait <= least * 1.1
    assert DAY * 0.98 < sum(waits) < DAY * 1.1
    assert (delivery.state, delivery.attempts, len(receiver.taken)) == ("failed", 8, 8)
    assert len({(taken.id, taken.body) for taken in receiver.taken}) == 1
    stamps = [int(taken.headers["webhook-timestamp"]) for taken in receiver.taken]
    assert stamps == sorted(set(stamps))
    # The package refuses messages older than five minutes, so only the last one is still valid.
    assert [taken.is_signed_with(made[1]) for taken in receiver.taken] == [False] * 7 + [True]
    assert [status for status, _ in told(delivery)] == [500, 404, 302, 429, 502, 199, 503, 500]
    made[0].refresh_from_db()
    assert made[0].failing_since == NOON


def test_a_success_ends_the_retries_and_the_failing_state(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    delivery = happen(user)
    receiver.answers = [500, 200]
    courier()
    clock.shift(6)
    tick()
    courier()
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert (delivery.state, endpoint.failing_since) == ("delivered", None)
    clock.shift(DAY)
    tick()
    assert courier() == 0


def test_a_timeout_is_retried(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
    settings: Settings,
    clock: time_machine.Traveller,
) -> None:
    settings.WEBHOOK_SECONDS = 0.2
    delivery = happen(user)
    receiver.waits = True
    courier()
    assert told(delivery) == [(None, "timeout")]
    receiver.release()
    clock.shift(6)
    tick()
    assert courier() == 1
    assert told(delivery) == [(None, "timeout"), (204, "")]
    assert len({taken.id for taken in receiver.taken}) == 1


def test_retry_after_postpones_the_next_attempt(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    receiver.answers, receiver.headers = [503], {"Retry-After": "900"}
    courier()
    delivery.refresh_from_db()
    assert delivery.next_at == NOON + timedelta(minutes=15)


def test_an_invalid_retry_after_date_is_ignored(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    receiver.answers = [503]
    receiver.headers = {"Retry-After": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"}
    courier()
    delivery.refresh_from_db()
    assert delivery.next_at is not None
    assert delivery.next_at - NOON < timedelta(seconds=6)
    assert told(delivery) == [(503, "")]


def test_an_internal_error_counts_as_an_attempt(
    user: User,
    endpoint: WebhookEndpoint,
    courier: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(fetching, "send", lambda *_, **__: 1 / 0)
    delivery = happen(user)
    courier()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.token) == ("waiting", 1, None)
    assert told(delivery) == [(None, "internal_error")]
    assert "ZeroDivisionError" in caplog.text


def test_a_test_message_is_sent_once_whatever_the_subscription(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    services.update(endpoint, events=["picture.done"])
    receiver.answers = [500]
    delivery = notifications.test(endpoint)
    courier()
    delivery.refresh_from_db()
    assert (delivery.state, receiver.taken[0].said["type"]) == ("failed", "webhook.test")


def test_forbidden_addresses_are_refused_at_delivery(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int], settings: Settings
) -> None:
    """The address is checked at each delivery, not only when the endpoint is created."""
    settings.FETCH_PRIVATE_NETWORKS = []
    delivery = happen(user)
    courier()
    assert (receiver.taken, told(delivery)) == ([], [(None, "forbidden_address")])
