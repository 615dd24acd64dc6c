"""The estimate of a job: what is ahead of it, and how long it takes at the recent pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from jobs.models import Job, Picture
from jobs.selectors.estimate import Estimate, time_left
from tests.jobs.factories import bare_job

# What is the same for everybody is remembered in the cache, which begins empty.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def done_lately(user: User, count: int, seconds: int) -> None:
    """`count` pictures done in the last `seconds`, the first of them begun then."""
    job = bare_job(user, count)
    Job.objects.filter(pk=job.pk).update(state="finished", finished_at=NOW)
    Picture.objects.filter(job=job).update(
        state="done", started_at=NOW - timedelta(seconds=seconds), finished_at=NOW - timedelta(seconds=1)
    )


@time_machine.travel(NOW, tick=False)
def test_alone_it_takes_what_is_left_at_the_pace_of_late(user: User) -> None:
    done_lately(user, 100, 50)
    job = bare_job(user, 30)

    assert time_left(job) == Estimate(ahead=0, seconds=15)


@time_machine.travel(NOW, tick=False)
def test_idle_minutes_make_nobody_slow(user: User) -> None:
    """100 pictures in 50 s, five idle minutes, then one a second and a half: 30 are left."""
    early = bare_job(user, 100)
    Job.objects.filter(pk=early.pk).update(state="finished", finished_at=NOW)
    Picture.objects.filter(job=early).update(
        state="done", started_at=NOW - timedelta(seconds=400), finished_at=NOW - timedelta(seconds=350)
    )
    job = bare_job(user, 130)
    Job.objects.filter(pk=job.pk).update(created_at=NOW - timedelta(seconds=50))
    Picture.objects.filter(job=job).update(queued_at=NOW - timedelta(seconds=50))
    job.refresh_from_db()
    Picture.objects.filter(job=job, position__lt=100).update(
        state="done", started_at=NOW - timedelta(seconds=50), finished_at=NOW
    )
    # 200 pictures in 100 busy seconds.
    assert time_left(job) == Estimate(ahead=0, seconds=15)


@time_machine.travel(NOW, tick=False)
def test_a_worker_that_is_away_makes_it_longer(user: User) -> None:
    done_lately(user, 60, 61)
    Picture.objects.filter(state="done").update(finished_at=NOW - timedelta(seconds=31))
    job = bare_job(user, 30)
    Job.objects.filter(pk=job.pk).update(created_at=NOW - timedelta(seconds=60))
    Picture.objects.filter(job=job).update(queued_at=NOW - timedelta(seconds=60))
    job.refresh_from_db()
    # 60 in 30 s, and nothing in the 31 s since, though pictures waited.
    assert time_left(job) == Estimate(ahead=0, seconds=30)


@time_machine.travel(NOW, tick=False)
def test_pauses_between_pictures_are_work(user: User) -> None:
    job = bare_job(user, 20)
    for place, picture in enumerate(Picture.objects.filter(job=job, position__lt=10).order_by("position")):
        start = NOW - timedelta(seconds=40 - 4 * place)
        Picture.objects.filter(pk=picture.pk).update(
            state="done", started_at=start, finished_at=start + timedelta(seconds=1), queued_at=start
        )
    assert time_left(job) == Estimate(ahead=0, seconds=40)


@time_machine.travel(NOW, tick=False)
def test_ones_own_earlier_pictures_come_first_and_others_take_turns(user: User, stranger: User) -> None:
    done_lately(user, 60, 60)
    first = bare_job(user, 20)
    second = bare_job(user, 10)
    Job.objects.filter(pk=first.pk).update(created_at=NOW - timedelta(seconds=5))
    Picture.objects.filter(job=first).update(queued_at=NOW - timedelta(seconds=5))
    bare_job(stranger, 1000)

    assert time_left(second) == Estimate(ahead=20, seconds=60)


@time_machine.travel(NOW, tick=False)
def test_a_rival_with_little_costs_little(user: User, stranger: User) -> None:
    done_lately(user, 60, 60)
    job = bare_job(user, 100)
    bare_job(stranger, 5)

    assert time_left(job) == Estimate(ahead=0, seconds=105)


@time_machine.travel(NOW, tick=False)
def test_what_comes_first_is_not_counted_for_ever(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.selectors.estimate.FAR", 7)
    job = bare_job(user)
    earlier = bare_job(user, 20)
    Picture.objects.filter(job=earlier).update(queued_at=NOW - timedelta(seconds=5))

    assert time_left(job) == Estimate(ahead=7, seconds=None)


@time_machine.travel(NOW, tick=False)
def test_what_is_the_same_for_everybody_is_looked_up_once(
    user: User, stranger: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    done_lately(user, 60, 60)
    job, others = bare_job(user, 30), bare_job(stranger, 30)
    first = time_left(job)
    with django_assert_num_queries(2):
        assert time_left(others) == first == Estimate(ahead=0, seconds=60)


def test_without_a_pace_there_is_no_time_and_an_ended_job_has_no_estimate(user: User) -> None:
    job = bare_job(user, 3)
    assert time_left(job) == Estimate(ahead=0, seconds=None)
    job.state = Job.State.FINISHED
    assert time_left(job) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (10, "less than a minute left"),
        (60, "about 1 minute left"),
        (600, "about 10 minutes left"),
        (7200, "about 2 hours left"),
    ],
)
def test_the_time_left_in_words(seconds: int | None, words: str) -> None:
    assert Estimate(0, seconds).words == words
