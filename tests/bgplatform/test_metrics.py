"""`/metrics`: what it says, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from bgplatform import metrics
from jobs.models import DailyFailures, DailyFigures, DailyTimes, Picture
from jobs.moderation import failures
from jobs.queue import workers
from jobs.statistics import bucket_of
from tests.conftest import make_job
from tests.jobs.factories import pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
LABELS = ("line", "lane", "share", "engine", "outcome", "verdict", "code", "step")
TOKEN = "a-token-of-at-least-32-characters-0123456789"


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    metrics.forget()


def read(**about: Any) -> dict[tuple[str, ...], float]:
    answer = Client().get("/metrics", **about)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, *(sample.labels[name] for name in LABELS if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_every_figure(user: User) -> None:
    today = timezone.now().date()
    DailyFigures.objects.create(
        day=today, model="u2net", refinement="fast", origin="web", done=10, as_is=7, corrected=2, up=5, down=1
    )
    DailyFigures.objects.create(
        day=today - timedelta(days=30), model="u2net", refinement="fast", origin="web", done=99
    )
    DailyFailures.objects.create(day=today, code="worker_lost", count=3)
    DailyTimes.objects.create(day=today, lane="batch", kind="waiting", bucket=bucket_of(1.0), count=4)
    job = make_job(user, 3)
    Picture.objects.filter(pk=pictures_of(job)[0].pk).update(queued_at=timezone.now() - timedelta(seconds=90))
    workers.report("u2net on openvino")
    found = read()
    age = found.pop(("bgplatform_queue_oldest_age_seconds", "pictures", "interactive"))
    assert 90 <= age < 120
    waiting = {key: value for key, value in found.items() if key[0].endswith("waiting_time_seconds")}
    assert [key[1:] for key in waiting] == [("batch", "0.5"), ("batch", "0.95")]
    assert list(waiting.values()) == [pytest.approx(1.0, rel=0.05)] * 2
    assert {key: value for key, value in found.items() if key not in waiting} == {
        ("bgplatform_queue_depth", "pictures", "interactive"): 3,
        ("bgplatform_queue_depth", "pictures", "batch"): 0,
        ("bgplatform_queue_depth", "renditions", "interactive"): 0,
        ("bgplatform_queue_depth", "thumbnails", "interactive"): 0,
        ("bgplatform_running", "pictures", "interactive"): 0,
        ("bgplatform_running", "pictures", "batch"): 0,
        ("bgplatform_running", "renditions", "interactive"): 0,
        ("bgplatform_running", "thumbnails", "interactive"): 0,
        ("bgplatform_queue_oldest_age_seconds", "pictures", "batch"): 0,
        ("bgplatform_queue_oldest_age_seconds", "renditions", "interactive"): 0,
        ("bgplatform_queue_oldest_age_seconds", "thumbnails", "interactive"): 0,
        ("bgplatform_workers", "u2net on openvino"): 1,
        ("bgplatform_redis_up",): 1,
        ("bgplatform_results_30d", "done"): 10,
        ("bgplatform_results_30d", "as_is"): 7,
        ("bgplatform_results_30d", "corrected"): 2,
        ("bgplatform_results_30d", "redone"): 0,
        ("bgplatform_results_30d", "refused"): 0,
        ("bgplatform_results_30d", "failed"): 0,
        ("bgplatform_feedback_30d", "up"): 5,
        ("bgplatform_feedback_30d", "down"): 1,
        ("bgplatform_failures_30d", "worker_lost"): 3,
        ("bgplatform_inspection_failures", "classifier"): 0,
        ("bgplatform_inspection_failures", "hash"): 0,
        ("bgplatform_inspection_failures", "flag"): 0,
    }


def test_failures_of_the_classifier() -> None:
    failures.count(failures.CLASSIFIER)
    assert read()["bgplatform_inspection_failures", "classifier"] == 1


def test_openmetrics_where_it_is_asked_for() -> None:
    answer = Client().get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0;")
    names = {family.name for family in open_metrics(answer.content.decode())}
    assert "bgplatform_queue_depth" in names


def test_asking_often_does_not_load_the_database() -> None:
    with CaptureQueriesContext(connection) as queries:
        read()
    assert 0 < len(queries) <= 10
    with CaptureQueriesContext(connection) as queries:
        read()
    assert not queries.captured_queries


def test_redis_away(redis_away: Callable[[], Any], valkey: redis.Redis) -> None:
    with redis_away():
        found = read()
    assert found["bgplatform_redis_up",] == 0
    assert not any(key[0] == "bgplatform_workers" for key in found)


def test_the_database_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(metrics.queues, "backlog", away)
    assert Client().get("/metrics").status_code == 503


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        # A proxy on this machine, whose requests come from elsewhere.
        ({"HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 404),
        ({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"HTTP_FORWARDED": "for=192.0.2.7"}, 404),
        ({"HTTP_AUTHORIZATION": f"Bearer {TOKEN}", "REMOTE_ADDR": "192.0.2.7"}, 404),
    ],
)
def test_without_a_token_only_this_machine_is_answered(about: dict[str, str], status: int) -> None:
    assert Client(**about).get("/metrics").status_code == status


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 200), ("192.0.2.7", 404)])
def test_behind_a_proxy_the_client_counts(settings: Any, address: str, status: int) -> None:
    settings.BEHIND_PROXY = True
    assert Client().get("/metrics", headers={"X-Forwarded-For": address}).status_code == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Token {TOKEN}", 401),
        ("Bearer ü", 401),
        ("", 401),
    ],
)
def test_with_a_token_it_is_needed_everywhere(settings: Any, sent: str, status: int) -> None:
    settings.METRICS_TOKEN = TOKEN
    for address in ("127.0.0.1", "192.0.2.7"):
        answer = Client(REMOTE_ADDR=address).get("/metrics", HTTP_AUTHORIZATION=sent)
        assert answer.status_code == status
        assert b"bgplatform_" in answer.content or status == 401
    assert Client().post("/metrics", HTTP_AUTHORIZATION=sent).status_code == 405
