"""Replay of delivered and failed messages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail

from accounts.models import User
from jobs.errors import WebhookRefusedError
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import NOON, happen, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def test_replay_sends_the_same_message_again(
    user: User, made: tuple[WebhookEndpoint, str], receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    courier()
    deliveries.replay(delivery)
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    assert courier() == 1
    first, second = receiver.taken
    assert (first.id, first.body) == (second.id, second.body)
    assert second.is_signed_with(made[1])
    assert told(delivery) == [(204, ""), (204, "")]


def test_replay_of_a_waiting_delivery_sends_it_now(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    receiver.answers = [500]
    courier()
    deliveries.replay(delivery)
    assert courier() == 1
    assert told(delivery) == [(500, ""), (204, "")]


def test_replay_during_an_attempt_changes_nothing(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    receiver.meanwhile = lambda: deliveries.replay(WebhookDelivery.objects.get(pk=delivery.pk))
    courier()
    delivery.refresh_from_db()
    assert (delivery.state, len(receiver.taken)) == ("delivered", 1)


def test_replay_failed_sends_all_failed_deliveries(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
) -> None:
    for _ in range(3):
        happen(user)
    WebhookDelivery.objects.update(state="failed", next_at=None, sent_at=None, ended_at=NOON)
    courier()
    assert deliveries.replay_failed(endpoint) == 3
    assert courier() == 3
    assert len(receiver.taken) == 3
    assert deliveries.replay_failed(endpoint) == 0


@pytest.mark.parametrize("act", [notifications.test, deliveries.replay_failed])
def test_a_disabled_endpoint_refuses_tests_and_replays(
    endpoint: WebhookEndpoint, act: Callable[[WebhookEndpoint], object]
) -> None:
    services.disable(endpoint)
    with pytest.raises(WebhookRefusedError) as refused:
        act(endpoint)
    assert refused.value.code == "webhook_disabled"
    assert mail.outbox == [], "the owner disabled it and gets no mail"
