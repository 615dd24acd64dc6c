"""Webhook events: every way in which pictures and jobs end writes one message, in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from jobs.models import Job, WebhookDelivery, WebhookEndpoint, WebhookMessage
from jobs.services import lines, removal, retry, submit
from jobs.webhooks import services
from segmentation.recipe import Recipe
from tests.conftest import make_upload
from tests.jobs.factories import bare_job, complete, pictures_of
from tests.jobs.webhooks.receiver import Receiver
from tests.jobs.webhooks.world import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey", "clock")]
URL = "https://hooks.example.org/"


def written() -> list[dict[str, Any]]:
    """The bodies of the messages, oldest first."""
    return [json.loads(body) for body in WebhookMessage.objects.order_by("id").values_list("body", flat=True)]


@pytest.fixture
def endpoint(user: User, settings: Settings) -> WebhookEndpoint:
    settings.SITE_URL = "https://cut.example.org"
    return services.create(user, URL)[0]


def test_messages_of_finished_pictures_and_jobs(user: User, endpoint: WebhookEndpoint) -> None:
    job = bare_job(user, 2)
    first, second = pictures_of(job)
    complete(first)
    assert written() == [
        {
            "type": "picture.done",
            "timestamp": "2026-01-02T12:00:00.000000Z",
            "data": {
                "picture": str(first.pk),
                "job": str(job.pk),
                "name": "picture-0.png",
                "state": "done",
                "url": f"https://cut.example.org/api/v1/pictures/{first.pk}/",
            },
        }
    ]
    complete(second)
    assert [one["type"] for one in written()] == ["picture.done", "picture.done", "job.finished"]
    assert written()[2]["data"] == {
        "job": str(job.pk),
        "title": "made by a test",
        "state": "finished",
        "pictures": {"total": 2, "done": 2, "failed": 0, "cancelled": 0},
        "url": f"https://cut.example.org/api/v1/jobs/{job.pk}/",
    }


def test_the_message_of_a_failed_picture_has_the_error(user: User, endpoint: WebhookEndpoint) -> None:
    job = bare_job(user)
    claim = lines.PICTURES.claim(pictures_of(job)[0].pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "truncated_picture", "It is cut off.")
    failed, finished = written()
    assert failed["type"] == "picture.failed"
    assert failed["data"]["state"] == "failed"
    assert failed["data"]["error"] == {"code": "truncated_picture", "sentence": "It is cut off."}
    assert finished["data"]["pictures"] == {"total": 1, "done": 0, "failed": 1, "cancelled": 0}


def test_a_picture_that_crashes_its_worker_every_time_fails(
    user: User, endpoint: WebhookEndpoint, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.MAX_ATTEMPTS = 2
    picture = pictures_of(bare_job(user))[0]
    for _ in range(2):
        assert written() == []
        lines.PICTURES.claim(picture.pk)
        clock.shift(settings.LEASE_SECONDS + 1)
        lines.PICTURES.expire()
    assert [one["type"] for one in written()] == ["picture.failed", "job.finished"]
    assert written()[0]["data"]["error"]["code"] == "worker_lost"


def test_refused_uploads_send_a_message_at_submission(user: User, endpoint: WebhookEndpoint) -> None:
    ids = [make_upload(user, "words.txt", b"no picture").pk]
    submit.submit(user, ids, Recipe(model="u2netp"))
    assert [one["type"] for one in written()] == ["picture.failed", "job.finished"]
    assert written()[0]["data"]["error"]["code"] == "unsupported_format"


def test_messages_of_a_cancelled_and_retried_job(user: User, endpoint: WebhookEndpoint) -> None:
    job = bare_job(user, 2)
    complete(pictures_of(job)[0])
    removal.cancel(job)
    assert [one["type"] for one in written()] == ["picture.done", "job.cancelled"]
    assert written()[1]["data"]["pictures"] == {"total": 2, "done": 1, "failed": 0, "cancelled": 1}
    retry.retry_failed(Job.objects.get())
    complete(pictures_of(job)[1])
    assert [one["type"] for one in written()[2:]] == ["picture.done", "job.finished"]
    removal.cancel(job)
    assert len(written()) == 4, "nothing was left to cancel"


def test_endpoints_get_only_their_events_of_their_user(
    user: User, stranger: User, endpoint: WebhookEndpoint
) -> None:
    jobs_alone, _ = services.create(user, URL, events=["job.finished"])
    off, _ = services.create(user, URL)
    services.disable(off)
    services.create(stranger, URL)
    complete(pictures_of(bare_job(user))[0])
    rows = WebhookDelivery.objects.order_by("id").values_list("message__event", "endpoint")
    assert sorted(rows) == sorted(
        [
            ("picture.done", endpoint.pk),
            ("job.finished", endpoint.pk),
            ("job.finished", jobs_alone.pk),
        ]
    )
    assert WebhookMessage.objects.count() == 2


def test_a_rollback_sends_no_message(
    user: User, endpoint: WebhookEndpoint, queued: Callable[[str], list[str]]
) -> None:
    job = bare_job(user)

    with transaction.atomic():
        removal.cancel(job)
        transaction.set_rollback(True)
    assert written() == []
    assert queued("webhooks") == []


def test_ephemeral_jobs_send_no_messages(user: User, endpoint: WebhookEndpoint) -> None:
    complete(pictures_of(bare_job(user, ephemeral=True))[0])
    assert written() == []


def test_a_user_without_webhooks_costs_one_query_and_no_row(user: User, stranger: User) -> None:
    services.create(stranger, URL)
    claim = lines.PICTURES.claim(pictures_of(bare_job(user, 2))[0].pk)
    assert claim is not None
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        lines.PICTURES.end(claim, "done")
    about = [query["sql"] for query in asked if "webhook" in query["sql"].lower()]
    assert len(about) == 1
    assert written() == []


def test_messages_arrive_signed(user: User, receiver: Receiver, courier: Callable[[], int]) -> None:
    _, secret = services.create(user, receiver.url)
    complete(pictures_of(bare_job(user))[0])
    assert courier() == 2
    assert [taken.said["type"] for taken in receiver.taken] == ["picture.done", "job.finished"]
    assert all(taken.is_signed_with(secret) for taken in receiver.taken)
    assert WebhookDelivery.objects.filter(state="delivered", ended_at=NOON).count() == 2
