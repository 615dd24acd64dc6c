"""The webhook admin: read-only, without secrets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import WebhookAttempt, WebhookEndpoint
from jobs.webhooks import notifications, services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


@pytest.fixture
def root(make_user: Callable[..., User], client_of: Callable[[User], Client]) -> Client:
    return client_of(make_user("root@example.org", is_staff=True, is_superuser=True))


def test_staff_view_webhooks_read_only(root: Client, user: User) -> None:
    endpoint, secret = services.create(user, "https://hooks.example.org/in")
    delivery = notifications.test(endpoint)
    now = delivery.message.created_at
    WebhookAttempt.objects.create(delivery=delivery, at=now, milliseconds=7, status=503)
    pages = {
        "/admin/jobs/webhookendpoint/?q=ada@example.org": "https://hooks.example.org/in",
        f"/admin/jobs/webhookendpoint/{endpoint.pk}/change/": "https://hooks.example.org/in",
        "/admin/jobs/webhookdelivery/?state__exact=waiting": "webhook.test",
        f"/admin/jobs/webhookdelivery/{delivery.pk}/change/": "503",
    }
    for address, text in pages.items():
        answer = root.get(address)
        assert answer.status_code == 200, address
        assert text in answer.content.decode(), address
        assert secret not in answer.content.decode()
    for name in ("add", f"{endpoint.pk}/delete"):
        assert root.get(f"/admin/jobs/webhookendpoint/{name}/").status_code == 403
    root.post(f"/admin/jobs/webhookendpoint/{endpoint.pk}/change/", {"url": "https://evil.example.org/"})
    assert WebhookEndpoint.objects.get().url == "https://hooks.example.org/in"
