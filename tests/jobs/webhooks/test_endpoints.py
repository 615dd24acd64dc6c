"""Webhook endpoints: validation, limits and database constraints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import User
from jobs.errors import WebhookRefusedError
from jobs.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)
from jobs.webhooks import selectors, services
from tests.jobs.at_once import at_once

URL = "https://hooks.example.org/in?key=1"
ALL = ["job.finished", "job.cancelled", "picture.done", "picture.failed"]


@pytest.mark.django_db
def test_an_endpoint_subscribes_to_all_events_by_default(user: User) -> None:
    endpoint, secret = services.create(user, f" {URL}\n", description=" The\tshop ")
    assert (endpoint.url, endpoint.description, endpoint.events) == (URL, "The shop", ALL)
    assert endpoint.enabled
    assert secret.startswith("whsec_")
    assert len(secret) == len("whsec_") + 44
    other, _ = services.create(user, URL, events={"picture.failed", "job.finished"})
    assert other.events == ["job.finished", "picture.failed"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "code", "field"),
    [
        ({"url": ""}, "invalid_url", "url"),
        ({"url": "hooks.example.org"}, "invalid_url", "url"),
        ({"url": "ftp://hooks.example.org/"}, "invalid_url", "url"),
        ({"url": "https://me:secret@hooks.example.org/"}, "invalid_url", "url"),
        ({"url": "https://hooks.example.org/" + "a" * 2000}, "invalid_url", "url"),
        ({"url": "http://127.0.0.1/"}, "forbidden_address", "url"),
        ({"url": "http://localhost/"}, "forbidden_address", "url"),
        ({"url": "http://169.254.169.254/"}, "forbidden_address", "url"),
        ({"events": []}, "invalid_events", "events"),
        ({"events": ["job.finished", "job.begun"]}, "invalid_events", "events"),
        ({"events": ["webhook.test"]}, "invalid_events", "events"),
        ({"description": "a" * 201}, "invalid_description", "description"),
    ],
)
def test_invalid_endpoints_are_refused(user: User, facts: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(WebhookRefusedError) as refused:
        services.create(user, **{"url": URL, **facts})
    assert (refused.value.code, refused.value.field, refused.value.status) == (code, field, 422)
    assert not WebhookEndpoint.objects.exists()
    endpoint, _ = services.create(user, URL)
    with pytest.raises(WebhookRefusedError) as refused:
        services.update(endpoint, **facts)
    assert refused.value.code == code
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events) == (URL, ALL)


@pytest.mark.django_db
def test_endpoints_in_the_operators_networks_are_allowed(user: User, settings: Settings) -> None:
    settings.FETCH_PRIVATE_NETWORKS = ["192.168.0.0/16"]
    assert services.create(user, "http://192.168.1.9:8080/")[0].enabled


@pytest.mark.django_db
def test_an_update_changes_only_the_given_values(user: User) -> None:
    endpoint, _ = services.create(user, URL, description="old")
    WebhookEndpoint.objects.update(failing_since=datetime(2026, 1, 1, tzinfo=UTC))
    services.update(endpoint, events=["picture.done"])
    assert (endpoint.url, endpoint.events, endpoint.description) == (URL, ["picture.done"], "old")
    assert endpoint.failing_since is not None
    services.update(endpoint, url="https://other.example.org/", description="")
    assert (endpoint.url, endpoint.description, endpoint.failing_since) == (
        "https://other.example.org/",
        "",
        None,
    )


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_requests_create_ten_endpoints(user: User, stranger: User) -> None:
    def make(_: int) -> str:
        try:
            return services.create(user, URL)[1]
        except WebhookRefusedError as error:
            return error.code

    answers = at_once(make, 20)
    assert answers.count("too_many_webhooks") == 10
    assert len(set(answers)) == 11
    assert services.create(stranger, URL)[0].enabled


@pytest.mark.django_db
def test_off_and_on(user: User) -> None:
    endpoint, _ = services.create(user, URL)
    assert services.disable(endpoint)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "owner")
    assert not services.disable(endpoint, WebhookEndpoint.Off.GONE)
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "owner"
    services.enable(endpoint)
    assert (endpoint.enabled, endpoint.disabled_at, endpoint.disabled_reason) == (True, None, "")


@pytest.mark.django_db
def test_webhooks_of_other_users_are_not_found(user: User, stranger: User) -> None:
    endpoint, _ = services.create(user, URL)
    delivery = WebhookDelivery.objects.create(message=a_message(user), endpoint=endpoint)
    assert selectors.endpoint_of(user, endpoint.pk) == endpoint
    assert selectors.delivery_of(user, delivery.pk) == delivery
    assert selectors.endpoints_of(stranger) == []
    with pytest.raises(WebhookEndpoint.DoesNotExist):
        selectors.endpoint_of(stranger, endpoint.pk)
    with pytest.raises(WebhookDelivery.DoesNotExist):
        selectors.delivery_of(stranger, delivery.pk)


@pytest.mark.django_db
def test_the_list_counts_waiting_and_failed_deliveries(user: User) -> None:
    endpoint, _ = services.create(user, URL)
    for _ in range(3):
        WebhookDelivery.objects.create(message=a_message(user), endpoint=endpoint)
    gone = WebhookDelivery.objects.first()
    assert gone is not None
    WebhookDelivery.objects.filter(pk=gone.pk).update(state="failed", next_at=None, ended_at=gone.next_at)
    (listed,) = selectors.endpoints_of(user)
    assert (listed.waiting, listed.given_up) == (2, 1)  # type: ignore[attr-defined]


def a_message(user: User) -> WebhookMessage:
    return WebhookMessage.objects.create(user=user, event="webhook.test", body="{}")


NOW = datetime(2026, 1, 2, tzinfo=UTC)
WRONG: list[tuple[str, Callable[[WebhookEndpoint, WebhookDelivery], object]]] = [
    ("webhook_off_says_why", lambda e, d: change(e, enabled=False)),
    ("webhook_off_says_why", lambda e, d: change(e, enabled=False, disabled_at=NOW)),
    ("webhook_off_says_why", lambda e, d: change(e, disabled_reason="gone")),
    ("webhook_one_secret", lambda e, d: WebhookSecret.objects.create(endpoint=e, salt="a", fingerprint="b")),
    (
        "webhook_delivery_unique",
        lambda e, d: WebhookDelivery.objects.create(message=d.message, endpoint=e),
    ),
    ("webhook_delivery_waits_or_ended", lambda e, d: change(d, next_at=None)),
    ("webhook_delivery_waits_or_ended", lambda e, d: change(d, ended_at=NOW)),
    ("webhook_delivery_waits_or_ended", lambda e, d: change(d, state="delivered", next_at=None)),
    (
        "webhook_delivery_waits_or_ended",
        lambda e, d: change(d, state="failed", next_at=None, ended_at=NOW, sent_at=NOW),
    ),
    (
        "webhook_attempt_says_how",
        lambda e, d: WebhookAttempt.objects.create(delivery=d, at=NOW, milliseconds=1),
    ),
    (
        "webhook_attempt_says_how",
        lambda e, d: WebhookAttempt.objects.create(
            delivery=d, at=NOW, milliseconds=1, status=200, error_code="timeout"
        ),
    ),
]


def change(row: WebhookEndpoint | WebhookDelivery, **facts: object) -> None:
    type(row).objects.filter(pk=row.pk).update(**facts)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "act"), WRONG, ids=[f"{name}-{n}" for n, (name, _) in enumerate(WRONG)])
def test_constraints_refuse_contradictory_rows(
    user: User, name: str, act: Callable[[WebhookEndpoint, WebhookDelivery], object]
) -> None:
    endpoint, _ = services.create(user, URL)
    delivery = WebhookDelivery.objects.create(message=a_message(user), endpoint=endpoint)
    with pytest.raises(IntegrityError, match=rf"(?i){name}|unique"), transaction.atomic():
        act(endpoint, delivery)
