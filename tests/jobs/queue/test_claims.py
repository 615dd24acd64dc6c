"""Claims of pictures: one worker at a time, and only a valid lease writes a result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs.models import Job, Picture
from jobs.queue.claims import Claim, LeaseLostError
from jobs.services import lines, progress
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_job, pictures_of, states_of

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def picture(user: User) -> Picture:
    return pictures_of(bare_job(user))[0]


def claimed(picture: Picture) -> Claim:
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None
    return claim


def row_of(picture: Picture) -> dict[str, object]:
    return Picture.objects.filter(pk=picture.pk).values().get()


@pytest.mark.django_db
def test_a_claim_marks_the_row_and_counts_the_attempt(picture: Picture, settings: Settings) -> None:
    settings.LEASE_SECONDS = 30
    with time_machine.travel(NOON, tick=False):
        claim = claimed(picture)
    row = Picture.objects.get()
    assert (row.state, row.attempts, row.lease_token) == ("running", 1, claim.token)
    assert (row.started_at, row.dispatched_at) == (NOON, NOON)
    assert row.lease_until == NOON + timedelta(seconds=30)
    assert claim.row.job.state == "active"


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["running", "done", "failed", "cancelled"])
def test_only_a_queued_picture_can_be_claimed(picture: Picture, state: str) -> None:
    claim = claimed(picture)
    if state == "failed":
        lines.PICTURES.fail(claim, "broken", "It is broken.")
    elif state != "running":
        lines.PICTURES.end(claim, state)
    before = row_of(picture)
    assert lines.PICTURES.claim(picture.pk) is None
    assert row_of(picture) == before


@pytest.mark.django_db
def test_an_unknown_row_cannot_be_claimed() -> None:
    assert lines.PICTURES.claim(uuid4()) is None


@pytest.mark.django_db(transaction=True)
def test_one_of_eight_concurrent_claims_succeeds(picture: Picture, valkey: redis.Redis) -> None:
    answers = at_once(lambda _: lines.PICTURES.claim(picture.pk), 8)
    held = [answer for answer in answers if isinstance(answer, Claim)]
    assert len(held) == 1
    assert answers.count(None) == 7
    row = Picture.objects.get()
    assert (row.attempts, row.lease_token) == (1, held[0].token)


@pytest.mark.django_db
def test_an_end_writes_facts_and_closes_the_job(picture: Picture) -> None:
    with time_machine.travel(NOON, tick=False):
        lines.PICTURES.end(
            claimed(picture), "done", confidence=0.5, warnings=["small"], thumb_key="thumbs/1.webp"
        )
    row = Picture.objects.select_related("job").get()
    assert (row.state, row.finished_at, row.confidence, row.warnings) == ("done", NOON, 0.5, ["small"])
    assert (row.lease_token, row.lease_until, row.dispatched_at, row.thumb_key) == (
        None,
        None,
        None,
        "thumbs/1.webp",
    )
    assert (row.job.state, row.job.finished_at) == ("finished", NOON)


@pytest.mark.django_db
def test_a_job_is_open_until_its_last_picture_ended(user: User) -> None:
    job = bare_job(user, 3)
    first, second, third = pictures_of(job)
    lines.PICTURES.end(claimed(first), "done")
    lines.PICTURES.fail(claimed(second), "broken", "It is broken.")
    job.refresh_from_db()
    assert (job.state, job.finished_at) == ("active", None)
    lines.PICTURES.end(claimed(third), "done")
    job.refresh_from_db()
    assert (job.state, states_of(job)) == ("finished", ["done", "failed", "done"])


@pytest.mark.django_db
def test_a_failure_stores_the_code_and_cuts_the_sentence(picture: Picture) -> None:
    lines.PICTURES.fail(claimed(picture), "broken", "word " * 200)
    row = Picture.objects.get()
    assert (row.state, row.error_code, len(row.error_sentence)) == ("failed", "broken", 500)


@pytest.mark.django_db
def test_giving_back_uses_back_off_and_fails_at_the_last_attempt(
    picture: Picture, settings: Settings
) -> None:
    settings.MAX_ATTEMPTS = 3
    for attempt, pause in ((1, 2), (2, 4)):
        with time_machine.travel(NOON, tick=False):
            lines.PICTURES.give_back(claimed(picture), "internal_error", "On our side.")
        row = Picture.objects.get()
        assert (row.state, row.attempts, row.error_code) == ("queued", attempt, "")
        assert row.not_before == NOON + timedelta(seconds=pause)
        assert (row.lease_token, row.dispatched_at, row.job.state) == (None, None, "active")
    lines.PICTURES.give_back(claimed(picture), "internal_error", "On our side.")
    row = Picture.objects.get()
    assert (row.state, row.attempts, row.error_code) == ("failed", 3, "internal_error")
    assert row.job.state == "finished"


@pytest.mark.django_db
def test_a_picture_that_waits_for_the_store_spends_no_attempt(picture: Picture, settings: Settings) -> None:
    settings.STORE_PAUSE_SECONDS, settings.MAX_ATTEMPTS = 5, 1
    for _ in range(2):
        with time_machine.travel(NOON, tick=False):
            lines.PICTURES.postpone(claimed(picture))
        row = Picture.objects.get()
        assert (row.state, row.attempts, row.error_code) == ("queued", 0, "")
        assert row.not_before == NOON + timedelta(seconds=5)
        assert (row.lease_token, row.dispatched_at, row.job.state) == (None, None, "active")


LOST: dict[str, Callable[[Claim], None]] = {
    "end": lambda claim: lines.PICTURES.end(claim, "done", confidence=0.9),
    "fail": lambda claim: lines.PICTURES.fail(claim, "broken", "It is broken."),
    "give_back": lambda claim: lines.PICTURES.give_back(claim, "internal_error", "On our side."),
    "postpone": lines.PICTURES.postpone,
}


@pytest.mark.django_db
@pytest.mark.parametrize("act", LOST)
@pytest.mark.parametrize("how", ["given to another", "cancelled", "waiting again", "gone"])
def test_a_lost_lease_writes_nothing(picture: Picture, act: str, how: str) -> None:
    claim = claimed(picture)
    rows = Picture.objects.filter(pk=picture.pk)
    rows.update(state="queued", lease_token=None, lease_until=None)
    if how == "given to another":
        claimed(picture)
    elif how == "cancelled":
        rows.update(state="cancelled", finished_at=timezone.now())
    elif how == "gone":
        rows.delete()
    before = list(rows.values())
    with pytest.raises(LeaseLostError):
        LOST[act](claim)
    assert list(rows.values()) == before
    assert Job.objects.get().state == "active"


@pytest.mark.django_db
def test_only_valid_leases_are_renewed(user: User, settings: Settings) -> None:
    settings.LEASE_SECONDS = 20
    first, second, _ = pictures_of(bare_job(user, 3))
    with time_machine.travel(NOON, tick=False):
        tokens = [claimed(first).token, claimed(second).token]
        Picture.objects.filter(pk=second.pk).update(
            state="cancelled", finished_at=NOON, lease_token=None, lease_until=None
        )
    with time_machine.travel(NOON + timedelta(seconds=15), tick=False):
        assert lines.PICTURES.renew([*tokens, uuid4()]) == 1
    first.refresh_from_db()
    assert first.lease_until == NOON + timedelta(seconds=35)
    assert states_of(first.job) == ["running", "cancelled", "queued"]


@pytest.mark.django_db
def test_renewing_nothing_changes_nothing(picture: Picture) -> None:
    assert lines.PICTURES.renew([]) == 0
    assert Picture.objects.get().lease_until is None


@pytest.mark.django_db
def test_an_expired_lease_is_requeued(picture: Picture, settings: Settings) -> None:
    settings.LEASE_SECONDS = 20
    with time_machine.travel(NOON, tick=False):
        dead = claimed(picture)
    with time_machine.travel(NOON + timedelta(seconds=20), tick=False):
        assert lines.PICTURES.expire() == 0
    with time_machine.travel(NOON + timedelta(seconds=21), tick=False):
        assert lines.PICTURES.expire() == 1
        row = Picture.objects.get()
        assert (row.state, row.attempts, row.lease_token, row.dispatched_at) == ("queued", 1, None, None)
        again = claimed(picture)
        assert again.row.attempts == 2
        with pytest.raises(LeaseLostError):
            lines.PICTURES.end(dead, "done")
        lines.PICTURES.end(again, "done")


@pytest.mark.django_db
def test_a_picture_that_kills_every_worker_fails_alone(user: User, settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 2
    job = bare_job(user, 3)
    killer, innocent, waiting = pictures_of(job)
    for number in range(2):
        with time_machine.travel(NOON + number * timedelta(hours=1), tick=False):
            claimed(killer)
            if number == 1:
                claimed(innocent)
        with time_machine.travel(NOON + (number + 1) * timedelta(hours=1), tick=False):
            lines.PICTURES.expire()
    killer.refresh_from_db()
    innocent.refresh_from_db()
    waiting.refresh_from_db()
    assert (killer.state, killer.error_code, killer.attempts) == ("failed", "worker_lost", 2)
    assert killer.error_sentence == lines.PICTURES.rules.lost_sentence
    assert killer.finished_at == NOON + timedelta(hours=2)
    assert (innocent.state, innocent.attempts) == ("queued", 1)
    assert (waiting.state, waiting.attempts, waiting.error_code) == ("queued", 0, "")
    job.refresh_from_db()
    assert job.state == "active"


@pytest.mark.django_db
def test_the_last_picture_that_is_given_up_closes_its_job(picture: Picture, settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 1
    with time_machine.travel(NOON, tick=False):
        claimed(picture)
    assert lines.PICTURES.expire() == 1
    assert Job.objects.get().state == "finished"


@pytest.mark.django_db
def test_a_job_is_settled_once(user: User) -> None:
    job = bare_job(user)
    assert progress.settle(job.pk) is False
    lines.PICTURES.end(claimed(pictures_of(job)[0]), "done")
    finished_at = Job.objects.get().finished_at
    assert progress.settle(job.pk) is False
    assert progress.settle(uuid4()) is False
    assert Job.objects.get().finished_at == finished_at


@pytest.mark.django_db(transaction=True)
def test_pictures_that_end_at_once_close_their_job(user: User, valkey: redis.Redis) -> None:
    job = bare_job(user, 6)
    held = [claimed(picture) for picture in pictures_of(job)]
    assert at_once(lambda number: lines.PICTURES.end(held[number], "done"), 6) == [None] * 6
    job.refresh_from_db()
    assert (job.state, set(states_of(job))) == ("finished", {"done"})


@pytest.mark.django_db(transaction=True)
def test_two_pictures_that_end_before_either_commits_close_their_job(user: User, valkey: redis.Redis) -> None:
    """On PostgreSQL neither sees the other's end; on SQLite the second waits for the first's commit."""
    held = [claimed(picture) for picture in pictures_of(bare_job(user, 2))]
    ended, both = threading.Event(), threading.Event()

    def act(number: int) -> None:
        if number:
            assert ended.wait(30)
        with transaction.atomic():
            lines.PICTURES.end(held[number], "done")
            if number:
                both.set()
            else:
                ended.set()
                both.wait(1 if connection.vendor == "sqlite" else 30)

    assert at_once(act, 2) == [None, None]
    assert Job.objects.get().state == "finished"


@pytest.mark.django_db
def test_a_job_that_was_left_open_is_closed_by_the_sweep(user: User) -> None:
    left, going_on = bare_job(user, 2), bare_job(user, 2)
    Picture.objects.filter(job=left).update(state="done", finished_at=NOON)
    pictures = Picture.objects.filter(pk=pictures_of(going_on)[0].pk)
    pictures.update(state="done", finished_at=NOON)
    assert progress.settle_left() == 1
    assert progress.settle_left() == 0
    assert {job.pk: job.state for job in Job.objects.all()} == {left.pk: "finished", going_on.pk: "active"}


@pytest.mark.django_db(transaction=True)
def test_expiring_and_ending_at_once_never_both_succeed(
    user: User, settings: Settings, valkey: redis.Redis
) -> None:
    settings.LEASE_SECONDS = 20
    with time_machine.travel(NOON, tick=False):
        held = [claimed(picture) for picture in pictures_of(bare_job(user, 8))]

    def act(number: int) -> object:
        return lines.PICTURES.expire() if number % 2 else lines.PICTURES.end(held[number], "done")

    at_once(act, 8)
    for claim in held:
        picture = Picture.objects.get(pk=claim.row.pk)
        assert picture.state in {"done", "queued"}
        assert picture.attempts == 1
        assert picture.lease_token is None
