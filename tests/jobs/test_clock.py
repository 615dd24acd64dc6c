"""Leases, back-off and lost messages use the database's clock and survive a clock that goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs import clock
from jobs.models import Matte, Picture, RenditionRequest, WebhookDelivery, WebhookEndpoint
from jobs.services import lines
from jobs.webhooks import deliveries, notifications, services
from tests.jobs.factories import bare_job, complete, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
BACK = NOON - timedelta(hours=2)
Queued = Callable[[str], list[str]]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Freezes the database's clock at a given time; the machine's clock continues."""

    def put(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return put


def request_of(user: User) -> RenditionRequest:
    """A rendition request as a row only."""
    picture = pictures_of(bare_job(user))[0]
    complete(picture)
    matte = Matte.objects.get(picture=picture)
    rendition_request: RenditionRequest = RenditionRequest.objects.create(
        user=user, picture=picture, matte=matte, recipe={}, recipe_digest=uuid4().hex
    )
    return rendition_request


@pytest.mark.usefixtures("database_clock")
def test_the_clock_is_the_databases() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    real = timezone.now()
    with time_machine.travel(NOON, tick=False):
        assert abs(clock.now() - real) < timedelta(minutes=1)


def test_leases_ignore_a_wrong_clock_of_the_machine(
    user: User, set_clock: Callable[[datetime], None], settings: Settings
) -> None:
    settings.LEASE_SECONDS = 20
    set_clock(NOON)
    picture, rendition_request = pictures_of(bare_job(user))[0], request_of(user)

    with time_machine.travel(NOON + timedelta(days=400), tick=False):
        taken = lines.PICTURES.claim(picture.pk)
        assert taken is not None
        assert lines.RENDITIONS.claim(rendition_request.pk)
        for row in (Picture.objects.get(pk=picture.pk), RenditionRequest.objects.get()):
            assert row.lease_until == NOON + timedelta(seconds=20)
        lines.PICTURES.renew([taken.token])
        assert Picture.objects.get(pk=picture.pk).lease_until == NOON + timedelta(seconds=20)
        assert lines.PICTURES.expire() == 0
        assert lines.RENDITIONS.recover_lost() == 0


def test_leases_of_dead_workers_expire_in_time_after_the_clock_went_back(
    user: User, set_clock: Callable[[datetime], None], settings: Settings
) -> None:
    settings.LEASE_SECONDS = 20
    set_clock(NOON)
    picture, rendition_request = pictures_of(bare_job(user))[0], request_of(user)
    lines.PICTURES.claim(picture.pk)
    lines.RENDITIONS.claim(rendition_request.pk)

    set_clock(BACK)
    assert lines.PICTURES.expire() + lines.RENDITIONS.recover_lost() == 0, "living workers have time to renew"
    for row in (Picture.objects.get(pk=picture.pk), RenditionRequest.objects.get()):
        assert row.lease_until == BACK + timedelta(seconds=20)
    set_clock(BACK + timedelta(seconds=21))
    assert (lines.PICTURES.expire(), lines.RENDITIONS.recover_lost()) == (1, 1)
    assert {Picture.objects.get(pk=picture.pk).state, RenditionRequest.objects.get().state} == {"queued"}


def test_messages_lost_before_the_clock_went_back_are_sent_again(
    user: User, set_clock: Callable[[datetime], None], settings: Settings, valkey: redis.Redis, queued: Queued
) -> None:
    settings.REDISPATCH_SECONDS = 60
    set_clock(NOON)
    rendition_request = request_of(user)
    picture = pictures_of(bare_job(user))[0]
    assert lines.PICTURES.top_up(user.pk) == lines.RENDITIONS.top_up(user.pk) == 1
    set_clock(BACK)
    assert lines.PICTURES.recover_lost() == lines.RENDITIONS.recover_lost() == 0, "the broker holds them"

    valkey.flushall()
    assert lines.PICTURES.recover_lost() == lines.RENDITIONS.recover_lost() == 1
    assert lines.PICTURES.top_up(user.pk) == lines.RENDITIONS.top_up(user.pk) == 1
    assert (queued("batch"), queued("interactive")) == ([str(picture.pk)], [str(rendition_request.pk)])


def test_back_off_is_not_longer_after_the_clock_went_back(
    user: User, set_clock: Callable[[datetime], None], settings: Settings
) -> None:
    settings.MAX_ATTEMPTS, settings.STORE_PAUSE_SECONDS = 3, 5
    set_clock(NOON)
    picture = pictures_of(bare_job(user))[0]
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None
    lines.PICTURES.give_back(claim, "internal_error", "Something went wrong.")
    assert lines.PICTURES.top_up_everyone() == 0

    set_clock(BACK)
    assert lines.PICTURES.top_up_everyone() == 1


@pytest.fixture
def delivery(user: User, set_clock: Callable[[datetime], None]) -> WebhookDelivery:
    """A delivery that is due at noon."""
    set_clock(NOON)
    endpoint: WebhookEndpoint = services.create(user, "https://receiver.example.org/")[0]
    notifications.job_ended(bare_job(user, state="finished", finished_at=NOON).pk)
    found: WebhookDelivery = WebhookDelivery.objects.get(endpoint=endpoint)
    WebhookDelivery.objects.update(next_at=NOON, sent_at=None)
    return found


def test_webhooks_do_not_wait_after_the_clock_went_back(
    delivery: WebhookDelivery, set_clock: Callable[[datetime], None], settings: Settings
) -> None:
    settings.REDISPATCH_SECONDS = 60
    set_clock(BACK)
    assert deliveries.top_up_everyone() == 0
    assert deliveries.bring_forward() == 1
    assert deliveries.top_up_everyone() == 1

    # Sent at noon and lost.
    WebhookDelivery.objects.update(next_at=NOON, sent_at=NOON)
    assert deliveries.recover_lost() == 0
    set_clock(BACK + timedelta(seconds=61))
    assert deliveries.recover_lost() == 1


def test_deliveries_of_a_dead_courier_are_recovered_after_the_clock_went_back(
    delivery: WebhookDelivery, set_clock: Callable[[datetime], None], settings: Settings
) -> None:
    settings.WEBHOOK_SECONDS = 20
    until = NOON + timedelta(seconds=80)
    WebhookDelivery.objects.update(next_at=until, sent_at=NOON, token=uuid4(), attempts=1)
    set_clock(BACK)
    assert deliveries.recover_lost() == 0
    assert WebhookDelivery.objects.get().next_at == BACK + timedelta(seconds=80)
    set_clock(BACK + timedelta(seconds=80))
    assert deliveries.recover_lost() == 1
