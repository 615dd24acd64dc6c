"""Crashes, lost and duplicate messages: each message arrives, with one id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from jobs.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_job
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import DAY, NOON, happen, tick, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def test_the_message_of_a_crashed_courier_is_sent_again_with_its_id(
    user: User,
    made: tuple[WebhookEndpoint, str],
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    delivery = happen(user)

    class KilledError(BaseException):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "_record", die)
        with pytest.raises(KilledError):
            courier()
    assert len(receiver.taken) == 1, "it was sent, and the courier crashed before recording it"
    clock.shift(61)
    tick()
    assert courier() == 0, "its claim is still valid"
    clock.shift(20)
    tick()
    assert courier() == 1
    first, second = receiver.taken
    assert (first.id, first.body) == (second.id, second.body)
    assert second.is_signed_with(made[1])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)


def test_messages_lost_by_the_broker_are_sent_again(
    user: User,
    endpoint: WebhookEndpoint,
    valkey: redis.Redis,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    happen(user)
    valkey.flushall()
    tick()
    assert courier() == 0
    clock.shift(61)
    tick()
    assert courier() == 1


def test_messages_wait_while_the_broker_is_unavailable(
    user: User,
    endpoint: WebhookEndpoint,
    redis_away: Callable[[], object],
    courier: Callable[[], int],
) -> None:
    with redis_away():  # type: ignore[attr-defined]
        delivery = happen(user)
    assert delivery.sent_at is None
    tick()
    assert courier() == 1


def test_one_of_eight_couriers_with_the_same_message_sends_it(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    delivery = happen(user)
    at_once(lambda _: deliveries.deliver(delivery.pk), 8)
    assert len(receiver.taken) == 1
    assert told(delivery) == [(204, "")]


def test_an_endpoint_has_a_window_of_four_and_of_one_while_it_fails(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    queued: Callable[[str], list[str]],
    courier: Callable[[], int],
) -> None:
    rows = [happen(user) for _ in range(7)]
    assert queued("webhooks") == [str(row.pk) for row in rows[:4]]
    receiver.answers = [500]
    deliveries.deliver(rows[0].pk)
    assert len(queued("webhooks")) == 4, "three are in the queue, more than a failing endpoint may have"
    for row in rows[1:4]:
        deliveries.deliver(row.pk)
    assert queued("webhooks")[4:] == [str(row.pk) for row in rows[4:]], "after a success, four again"


def test_deleting_an_endpoint_during_an_attempt_is_no_error(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    happen(user)
    receiver.meanwhile = lambda: services.delete(endpoint)
    assert courier() == 1
    assert WebhookDelivery.objects.count() == 0
    happen_again = bare_job(user, state="finished", finished_at=NOON)
    notifications.job_ended(happen_again.pk)
    assert courier() == 0


def test_the_log_is_kept_for_webhook_log_days(
    user: User,
    endpoint: WebhookEndpoint,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
    settings: Settings,
) -> None:
    settings.WEBHOOK_LOG_DAYS = 30
    happen(user)
    courier()
    clock.shift(30 * DAY)
    assert deliveries.sweep() == 0
    clock.shift(1)
    assert deliveries.sweep() == 1
    left = (WebhookMessage.objects.count(), WebhookDelivery.objects.count(), WebhookAttempt.objects.count())
    assert left == (0, 0, 0)


def test_the_scheduler_recovers_dispatches_and_cleans_up(
    user: User,
    endpoint: WebhookEndpoint,
    valkey: redis.Redis,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    happen(user)
    valkey.flushall()
    clock.shift(61)
    call_command("dispatch", "--once")
    assert courier() == 1
    clock.shift(31 * DAY)
    # The clock jumps by 31 days at once, so an operator must accept it.
    call_command("sweep_clock", "--accept")
    call_command("dispatch", "--once")
    assert WebhookMessage.objects.count() == 0
