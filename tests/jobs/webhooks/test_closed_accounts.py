"""Webhooks of a closed account send nothing, at whatever stage a message is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command

from accounts.models import User
from jobs.errors import WebhookRefusedError
from jobs.models import WebhookEndpoint, WebhookMessage
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import DAY, NOON, happen, tick, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def close(user: User) -> None:
    """Closes an account as the admin does."""
    user.is_active = False
    user.save()


def is_off(endpoint: WebhookEndpoint) -> bool:
    endpoint.refresh_from_db()
    assert endpoint.enabled or (endpoint.disabled_reason, endpoint.disabled_at) == ("closed", NOON)
    return not endpoint.enabled


def test_messages_in_the_broker_are_not_sent(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    first, second = happen(user), happen(user)
    close(user)
    assert courier() == 2
    for delivery in (first, second):
        delivery.refresh_from_db()
        assert (delivery.state, delivery.next_at, delivery.token, told(delivery)) == (
            "failed",
            None,
            None,
            [],
        )
    assert (receiver.taken, is_off(endpoint)) == ([], True)
    assert mail.outbox == []


def test_failed_deliveries_are_not_retried(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    receiver.answers = [500]
    delivery = happen(user)
    courier()
    close(user)
    clock.shift(DAY)
    tick()
    assert courier() == 0
    assert deliveries.top_up(endpoint.pk) == 0
    assert told(delivery) == [(500, "")]


def test_later_events_are_not_recorded(user: User, endpoint: WebhookEndpoint) -> None:
    close(user)
    assert happen(user) is None
    assert not WebhookMessage.objects.exists()


def test_the_scheduler_disables_the_endpoint(
    user: User, stranger: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    other, _ = services.create(stranger, receiver.url)
    receiver.answers = [500]
    delivery = happen(user)
    courier()
    close(user)
    call_command("dispatch", "--once")
    assert is_off(endpoint)
    assert not is_off(other)
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert mail.outbox == []
    assert services.disable_closed() == 0


def test_the_owner_of_a_reopened_account_enables_the_endpoint(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    close(user)
    assert services.disable_closed() == 1
    user.is_active = True
    user.save()
    with pytest.raises(WebhookRefusedError):
        notifications.test(endpoint)
    services.enable(endpoint)
    happen(user)
    assert courier() == 1
    assert len(receiver.taken) == 1
