"""Dispatch of pictures: a window for each user and lane, fair turns, and recovery of lost messages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from django.db import transaction
from pytest_django import Settings

from accounts.models import User
from bgplatform.broker import broker
from jobs.models import Picture
from jobs.models.job import Lane
from jobs.services import lines, retry, submit
from segmentation.recipe import Recipe
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_job, bare_uploads, complete, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
RECIPE = Recipe(model="u2netp")
Queued = Callable[[str], list[str]]
Away = Callable[[], AbstractContextManager[None]]


def ids(pictures: list[Picture]) -> list[str]:
    return [str(picture.pk) for picture in pictures]


def in_flight(user: User) -> int:
    return Picture.objects.filter(user=user, dispatched_at__isnull=False).count()


def test_a_window_is_filled_in_order_and_no_further(user: User, settings: Settings, queued: Queued) -> None:
    settings.WINDOW = 3
    pictures = pictures_of(bare_job(user, 5))
    assert lines.PICTURES.top_up(user.pk) == 3
    assert queued("batch") == ids(pictures[:3])
    assert lines.PICTURES.top_up(user.pk) == 0
    assert queued("batch") == ids(pictures[:3])
    assert [picture.dispatched_at is not None for picture in pictures_of(pictures[0].job)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_each_end_makes_room_for_one(user: User, settings: Settings, queued: Queued) -> None:
    settings.WINDOW = 2
    pictures = pictures_of(bare_job(user, 4))
    lines.PICTURES.top_up(user.pk)
    claim = lines.PICTURES.claim(pictures[0].pk)
    assert claim is not None
    assert lines.PICTURES.top_up(user.pk) == 0, "what runs is in flight, too"
    with transaction.atomic():
        lines.PICTURES.end(claim, "done")
    assert lines.PICTURES.top_up(user.pk) == 1
    assert queued("batch") == ids(pictures[:3])


def test_the_lanes_have_windows_of_their_own(user: User, settings: Settings, queued: Queued) -> None:
    settings.WINDOW = 2
    batch = pictures_of(bare_job(user, 4))
    waiting = pictures_of(bare_job(user, 3, lane=Lane.INTERACTIVE))
    assert lines.PICTURES.top_up(user.pk) == 4
    assert queued("batch") == ids(batch[:2])
    assert queued("interactive") == ids(waiting[:2])


def test_earlier_jobs_come_first(user: User, settings: Settings, queued: Queued) -> None:
    settings.WINDOW = 3
    first = pictures_of(bare_job(user, 2))
    second = pictures_of(bare_job(user, 2))
    lines.PICTURES.top_up(user.pk)
    assert queued("batch") == ids([*first, second[0]])


def test_a_small_job_does_not_wait_for_a_large_one(
    user: User, stranger: User, settings: Settings, queued: Queued
) -> None:
    settings.WINDOW = 8
    settings.INTERACTIVE_PICTURES = 0
    submit.submit(user, bare_uploads(user, 200), RECIPE)
    small = submit.submit(stranger, bare_uploads(stranger, 5), RECIPE)
    assert queued("batch")[8:] == ids(pictures_of(small))
    assert (in_flight(user), in_flight(stranger)) == (8, 5)
    assert Picture.objects.filter(user=user, dispatched_at__isnull=True).count() == 192


def test_a_tick_serves_everyone_who_waits(user: User, stranger: User, settings: Settings) -> None:
    settings.WINDOW = 2
    bare_job(user, 3)
    bare_job(stranger, 1)
    assert lines.PICTURES.top_up_everyone() == 3
    assert (in_flight(user), in_flight(stranger)) == (2, 1)
    assert lines.PICTURES.top_up_everyone() == 0


def test_a_picture_in_back_off_is_not_sent(user: User, queued: Queued) -> None:
    job = bare_job(user, 2)
    resting, ready = pictures_of(job)
    Picture.objects.filter(pk=resting.pk).update(not_before=NOON)
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        assert lines.PICTURES.top_up_everyone() == 1
        assert queued("batch") == [str(ready.pk)]
        assert lines.PICTURES.top_up_everyone() == 0
    with time_machine.travel(NOON, tick=False):
        assert lines.PICTURES.top_up_everyone() == 1
    assert queued("batch") == [str(ready.pk), str(resting.pk)]


def test_only_queued_pictures_are_sent(user: User, queued: Queued) -> None:
    job = bare_job(user, 3)
    done, failed, cancelled = pictures_of(job)
    complete(done)
    claim = lines.PICTURES.claim(failed.pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "broken", "It is broken.")
    Picture.objects.filter(pk=cancelled.pk).update(state="cancelled", finished_at=NOON)
    assert lines.PICTURES.top_up(user.pk) == 0
    assert queued("batch") == []


def test_an_unknown_user_is_not_served() -> None:
    assert lines.PICTURES.top_up(987_654) == 0
    assert lines.PICTURES.top_up_everyone() == 0


def test_a_rolled_back_transaction_sends_nothing(user: User, queued: Queued) -> None:
    bare_job(user, 2)
    with transaction.atomic():
        assert lines.PICTURES.top_up(user.pk) == 2
        transaction.set_rollback(True)
    assert queued("batch") == []
    assert in_flight(user) == 0


def test_two_dispatchers_at_once_never_exceed_the_window(
    user: User, settings: Settings, queued: Queued
) -> None:
    settings.WINDOW = 5
    bare_job(user, 30)
    sent = at_once(lambda _: lines.PICTURES.top_up(user.pk), 6)
    assert sorted(sent) == [0, 0, 0, 0, 0, 5]  # type: ignore[type-var]
    assert len(set(queued("batch"))) == len(queued("batch")) == 5
    assert in_flight(user) == 5


def test_without_a_broker_pictures_wait_and_a_later_tick_sends_them(
    user: User, redis_away: Away, queued: Queued, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_away(), caplog.at_level(logging.ERROR):
        job = submit.submit(user, bare_uploads(user, 3), RECIPE)
        assert job.state == "active"
        assert in_flight(user) == 0
        lines.PICTURES.top_up_everyone()
        assert in_flight(user) == 0
    assert "the broker is unavailable; 3 rows wait in the database" in caplog.text
    assert queued("interactive") == []
    assert lines.PICTURES.top_up_everyone() == 3
    assert queued("interactive") == ids(pictures_of(job))


def test_messages_lost_with_the_broker_are_sent_again(
    user: User, valkey: redis.Redis, settings: Settings, queued: Queued
) -> None:
    settings.REDISPATCH_SECONDS = 60
    with time_machine.travel(NOON, tick=False):
        pictures = pictures_of(bare_job(user, 3))
        lines.PICTURES.top_up(user.pk)
    valkey.flushall()
    with time_machine.travel(NOON + timedelta(seconds=60), tick=False):
        assert lines.PICTURES.recover_lost() == 0
        assert lines.PICTURES.top_up_everyone() == 0
    with time_machine.travel(NOON + timedelta(seconds=61), tick=False):
        assert lines.PICTURES.recover_lost() == 3
        assert lines.PICTURES.top_up_everyone() == 3
        assert lines.PICTURES.recover_lost() == 0
    assert queued("batch") == ids(pictures)


def test_messages_in_a_long_queue_are_not_sent_again(
    user: User, valkey: redis.Redis, settings: Settings, queued: Queued
) -> None:
    settings.REDISPATCH_SECONDS = 60
    with time_machine.travel(NOON, tick=False):
        pictures = pictures_of(bare_job(user, 3))
        lines.PICTURES.top_up(user.pk)
    # One message is prefetched by a worker that has not claimed it; one is lost.
    held = broker.consume("batch", prefetch=1)
    assert next(held) is not None
    _, third = valkey.lrange("dramatiq:batch", 0, -1)
    valkey.lrem("dramatiq:batch", 1, third)
    valkey.hdel("dramatiq:batch.msgs", third)
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert lines.PICTURES.recover_lost() == 1
        assert lines.PICTURES.top_up_everyone() == 1
        assert lines.PICTURES.recover_lost() == 0
    assert queued("batch") == ids(pictures[1:])
    held.close()


def test_no_message_counts_as_lost_while_the_broker_is_away(
    user: User, redis_away: Away, settings: Settings
) -> None:
    settings.REDISPATCH_SECONDS = 60
    with time_machine.travel(NOON, tick=False):
        bare_job(user, 3)
        lines.PICTURES.top_up(user.pk)
    with redis_away(), time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert lines.PICTURES.recover_lost() == 0
    assert in_flight(user) == 3


def test_recovery_leaves_valid_leases_alone(user: User, settings: Settings) -> None:
    settings.REDISPATCH_SECONDS, settings.LEASE_SECONDS = 60, 600
    with time_machine.travel(NOON, tick=False):
        picture = pictures_of(bare_job(user))[0]
        claim = lines.PICTURES.claim(picture.pk)
        assert claim is not None
    with time_machine.travel(NOON + timedelta(seconds=300), tick=False):
        assert lines.PICTURES.recover_lost() == 0
        assert lines.PICTURES.top_up_everyone() == 0
    picture.refresh_from_db()
    assert (picture.state, picture.lease_token) == ("running", claim.token)


def test_the_pictures_of_a_dead_worker_are_sent_again(user: User, settings: Settings, queued: Queued) -> None:
    settings.LEASE_SECONDS = 20
    with time_machine.travel(NOON, tick=False):
        pictures = pictures_of(bare_job(user, 2))
        lines.PICTURES.top_up(user.pk)
        lines.PICTURES.claim(pictures[0].pk)
    with time_machine.travel(NOON + timedelta(seconds=21), tick=False):
        assert lines.PICTURES.recover_lost() == 1
        assert lines.PICTURES.top_up_everyone() == 1
    assert queued("batch") == [*ids(pictures), str(pictures[0].pk)]


def test_a_duplicate_message_changes_nothing(user: User) -> None:
    picture = pictures_of(bare_job(user))[0]
    complete(picture)
    assert lines.PICTURES.claim(picture.pk) is None
    picture.refresh_from_db()
    assert (picture.state, picture.attempts) == ("done", 1)


def test_a_retry_dispatches_failed_pictures_at_once(user: User, queued: Queued) -> None:
    job = bare_job(user, 3)
    done, failed, refused = pictures_of(job)
    complete(done)
    for picture in (failed, refused):
        claim = lines.PICTURES.claim(picture.pk)
        assert claim is not None
        lines.PICTURES.fail(claim, "broken", "It is broken.")
    Picture.objects.filter(pk=refused.pk).update(source_key="")
    job.refresh_from_db()
    assert job.state == "finished"

    assert retry.retry_failed(job) == 1
    job.refresh_from_db()
    failed.refresh_from_db()
    refused.refresh_from_db()
    assert (job.state, job.finished_at) == ("active", None)
    assert (failed.state, failed.error_code, failed.error_sentence) == ("queued", "", "")
    assert (failed.attempts, failed.finished_at, failed.not_before) == (0, None, None)
    assert (refused.state, refused.error_code) == ("failed", "broken")
    assert queued("batch") == [str(failed.pk)]
    assert retry.retry_failed(job) == 0
    assert queued("batch") == [str(failed.pk)]


def test_a_retry_leaves_a_job_without_failures_closed(user: User) -> None:
    job = bare_job(user)
    complete(pictures_of(job)[0])
    job.refresh_from_db()
    finished_at = job.finished_at
    assert retry.retry_failed(job) == 0
    job.refresh_from_db()
    assert (job.state, job.finished_at) == ("finished", finished_at)
