"""Endpoints that are disabled: after long failure, after 410 Gone, or because the secret is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from pytest_django import Settings

from accounts.models import User
from jobs.errors import WebhookRefusedError
from jobs.models import WebhookEndpoint, WebhookMessage
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.factories import bare_job
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import DAY, NOON, happen, tick, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def test_five_days_without_a_success_disable_the_endpoint_with_a_mail(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
    settings: Settings,
) -> None:
    settings.SITE_URL = "https://cut.example.org"
    receiver.answers = [500] * 50
    first = happen(user)
    courier()
    clock.shift(4.9 * DAY)
    tick()
    courier()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    clock.shift(0.1 * DAY)
    waiting = happen(user)
    courier()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
    assert endpoint.disabled_at == NOON + timedelta(days=5)
    for delivery in (first, waiting):
        delivery.refresh_from_db()
        assert (delivery.state, delivery.next_at) == ("failed", None)
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert message.subject == "[bgplatform] A webhook was switched off"
    assert endpoint.url in message.body
    assert f"https://cut.example.org/account/webhooks/{endpoint.pk}/" in message.body
    clock.shift(DAY)
    tick()
    assert courier() == 0
    before = WebhookMessage.objects.count()
    notifications.job_ended(bare_job(user, state="finished", finished_at=NOON).pk)
    assert WebhookMessage.objects.count() == before


def test_a_success_restarts_the_five_days(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:
    for answers in ([500], [204], [500]):
        receiver.answers = answers
        notifications.test(endpoint)
        courier()
        clock.shift(3 * DAY)
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.failing_since) == (True, NOON + timedelta(days=6))


def test_410_gone_disables_the_endpoint_at_once(
    user: User, endpoint: WebhookEndpoint, receiver: Receiver, courier: Callable[[], int]
) -> None:
    delivery = happen(user)
    receiver.answers = [410]
    courier()
    endpoint.refresh_from_db()
    delivery.refresh_from_db()
    assert (endpoint.disabled_reason, delivery.state) == ("gone", "failed")
    assert told(delivery) == [(410, "")]
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_down_does_not_keep_the_endpoint_enabled(
    user: User,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    courier: Callable[[], int],
    settings: Settings,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    receiver.answers = [410]
    happen(user)
    courier()
    endpoint.refresh_from_db()
    assert not endpoint.enabled


def test_a_changed_secret_key_disables_the_endpoint(
    user: User,
    made: tuple[WebhookEndpoint, str],
    receiver: Receiver,
    courier: Callable[[], int],
    settings: Settings,
) -> None:
    endpoint = made[0]
    delivery = happen(user)
    settings.SECRET_KEY = "another-one-another-one-another-one"
    courier()
    endpoint.refresh_from_db()
    delivery.refresh_from_db()
    assert (receiver.taken, endpoint.disabled_reason, delivery.state) == ([], "unreadable", "failed")
    assert "SECRET_KEY" in mail.outbox[0].body
    with pytest.raises(WebhookRefusedError, match="secret was lost"):
        services.enable(endpoint)
    secret = services.rotate(endpoint)
    services.enable(endpoint)
    deliveries.replay(delivery)
    courier()
    assert receiver.taken[0].is_signed_with(secret)
    assert receiver.taken[0].headers["webhook-signature"].count("v1,") == 1
