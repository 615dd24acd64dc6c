"""The webhook pages: create, change, test, replay; only one's own, and secrets are shown once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from jobs.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from jobs.webhooks import notifications, services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
URL = "https://hooks.example.org/in"
LIST = "/account/webhooks/"


@pytest.fixture
def client(user: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(user)


@pytest.fixture
def endpoint(user: User) -> WebhookEndpoint:
    return services.create(user, URL, description="The shop")[0]


def said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def secrets_in(answer: HttpResponse) -> list[str]:
    return re.findall(r"whsec_[A-Za-z0-9+/]{43}=", answer.content.decode())


def page_of(endpoint: WebhookEndpoint) -> str:
    return f"{LIST}{endpoint.pk}/"


def test_create_shows_the_secret_once(client: Client) -> None:
    assert "You have no webhooks yet." in client.get(LIST).content.decode()
    answer = client.post(LIST, {"url": URL, "events": ["picture.done"], "description": "Shop"})
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.events, endpoint.description) == (URL, ["picture.done"], "Shop")
    assert len(secrets_in(answer)) == 1
    assert "both the old and the new secret" not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secrets_in(client.get(page_of(endpoint))) == []
    assert URL in client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"url": "", "events": ["picture.done"]}, "This field is required."),
        ({"url": "http://10.0.0.1/", "events": ["picture.done"]}, "private or reserved network"),
        ({"url": "ftp://example.org/", "events": ["picture.done"]}, "http:// or https://"),
        ({"url": URL}, "Choose at least one event."),
        ({"url": URL, "events": ["picture.lost"]}, "Select a valid choice"),
    ],
)
def test_errors_are_shown_beside_the_field(client: Client, data: dict[str, object], sentence: str) -> None:
    answer = client.post(LIST, data)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_changed(client: Client, endpoint: WebhookEndpoint) -> None:
    answer = client.post(page_of(endpoint), {"url": URL + "2", "events": ["job.finished"], "description": ""})
    assert (answer.status_code, answer["Location"]) == (302, page_of(endpoint))
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.description) == (URL + "2", ["job.finished"], "")
    answer = client.post(page_of(endpoint), {"url": "http://localhost/", "events": ["job.finished"]})
    assert answer.status_code == 400
    assert "private or reserved network" in answer.content.decode()


def test_rotate_shows_the_new_secret_once(client: Client, endpoint: WebhookEndpoint) -> None:
    answer = client.post(f"{page_of(endpoint)}rotate/")
    assert "both the old and the new secret" in answer.content.decode()
    assert len(secrets_in(answer)) == 1
    assert endpoint.secrets.count() == 2


def test_off_and_on(client: Client, endpoint: WebhookEndpoint) -> None:
    answer = client.post(f"{page_of(endpoint)}switch/", {"to": "off"})
    assert said(answer) == ["The webhook is switched off."]
    page = client.get(page_of(endpoint)).content.decode()
    assert "switched off by its owner" in page
    assert "/test/" not in page
    refused = client.post(f"{page_of(endpoint)}test/")
    assert said(refused)[-1] == "This webhook is switched off. Switch it on first."
    assert said(client.post(f"{page_of(endpoint)}switch/", {"to": "on"}))[-1] == "The webhook is switched on."
    client.post(f"{page_of(endpoint)}switch/", {"to": "sideways"})
    endpoint.refresh_from_db()
    assert endpoint.enabled


def test_send_a_test_and_read_the_log(
    client: Client, endpoint: WebhookEndpoint, queued: Callable[[str], list[str]]
) -> None:
    answer = client.post(f"{page_of(endpoint)}test/")
    assert answer["Location"] == f"{page_of(endpoint)}#log"
    delivery = WebhookDelivery.objects.get()
    assert queued("webhooks") == [str(delivery.pk)]
    WebhookAttempt.objects.create(
        delivery=delivery, at=delivery.message.created_at, milliseconds=7, status=500
    )
    WebhookAttempt.objects.create(
        delivery=delivery,
        at=delivery.message.created_at,
        milliseconds=9,
        error_code="timeout",
        error_sentence="It took too long.",
    )
    page = " ".join(client.get(page_of(endpoint)).content.decode().split())
    assert "webhook.test" in page
    assert "answered 500 <span" in page
    assert "It took too long." in page
    assert delivery.message.name in page


def test_sent_again(client: Client, endpoint: WebhookEndpoint) -> None:
    for _ in range(2):
        notifications.test(endpoint)
    rows = WebhookDelivery.objects.order_by("id")
    rows.update(state="failed", next_at=None, sent_at=None, ended_at=rows[0].message.created_at)
    answer = client.post(f"{page_of(endpoint)}replay/", {"delivery": str(rows[0].pk)})
    assert said(answer) == ["The message is being sent again."]
    assert sorted(row.state for row in rows) == ["failed", "waiting"]
    client.post(f"{page_of(endpoint)}replay/")
    assert [row.state for row in rows.all()] == ["waiting", "waiting"]


def test_deleted(client: Client, endpoint: WebhookEndpoint) -> None:
    notifications.test(endpoint)
    answer = client.post(f"{page_of(endpoint)}delete/")
    assert answer["Location"] == LIST
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()


ACTS = ["", "rotate/", "switch/", "test/", "replay/", "delete/"]


@pytest.mark.parametrize("act", ACTS)
def test_another_users_webhook_is_a_404(
    stranger: User, client_of: Callable[[User], Client], endpoint: WebhookEndpoint, act: str
) -> None:
    delivery = notifications.test(endpoint)
    other = client_of(stranger)
    assert other.post(page_of(endpoint) + act, {"to": "off"}).status_code == 404
    mine, _ = services.create(stranger, URL)
    answer = other.post(f"{page_of(mine)}replay/", {"delivery": str(delivery.pk)})
    assert answer.status_code == 404
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert endpoint.secrets.count() == 1


@pytest.mark.parametrize("act", ACTS)
def test_changes_need_a_sign_in_and_post(client: Client, endpoint: WebhookEndpoint, act: str) -> None:
    assert "/account/login/" in Client().post(page_of(endpoint) + act)["Location"]
    if act:
        assert client.get(page_of(endpoint) + act).status_code == 405


@pytest.mark.parametrize("delivery", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_unknown_deliveries_are_not_sent(client: Client, endpoint: WebhookEndpoint, delivery: str) -> None:
    assert client.post(f"{page_of(endpoint)}replay/", {"delivery": delivery}).status_code == 404


def test_a_long_log_is_paginated_with_constant_queries(client: Client, endpoint: WebhookEndpoint) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(page_of(endpoint))
        return len(queries)

    notifications.test(endpoint)
    asked()
    before = asked()
    for _ in range(59):
        notifications.test(endpoint)
    assert asked() == before
    page = client.get(page_of(endpoint)).content.decode()
    assert page.count('id="delivery-') == 50
    (older,) = re.findall(r'rel="next" href="(\?older=[0-9a-f-]+)#log"', page)
    rest = client.get(page_of(endpoint) + older).content.decode()
    assert rest.count('id="delivery-') == 10
    assert 'rel="next"' not in rest
    assert client.get(f"{page_of(endpoint)}?older=nonsense").status_code == 200
