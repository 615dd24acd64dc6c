"""What holds for every line: pictures, rendition requests and thumbnail requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import dramatiq
import pytest
import redis
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Entry, Plan, User
from jobs import events, storage
from jobs.models import Job, Matte, Picture, RenditionRequest, ThumbnailRequest
from jobs.queue.claims import Claim, LeaseLostError
from jobs.queue.line import Line
from jobs.services import lines
from jobs.worker import task
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_job, complete, pictures_of
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

NOON: Final = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
AnyLine = Line[Any]
Make = Callable[[Sequence[User], int], list[Any]]


def done_pictures(owner: User, count: int) -> list[Picture]:
    """Finished pictures as rows only."""
    job = bare_job(owner, count)
    Picture.objects.filter(job=job).update(state="done", finished_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(state="finished", finished_at=timezone.now())
    return pictures_of(job)


def pictures(users: Sequence[User], each: int) -> list[Any]:
    """Queued pictures in one lane: the first of every user, then the second, and so on."""
    job = bare_job(users[0])
    Picture.objects.all().delete()
    return Picture.objects.bulk_create(
        Picture(
            job=job,
            user=user,
            position=number * len(users) + place,
            lane="interactive",
            name="a.png",
            source_key=storage.source_key(uuid4()),
            queued_at=timezone.now(),
            width=3,
            height=2,
            charged_at=timezone.now(),
        )
        for number in range(each)
        for place, user in enumerate(users)
    )


def rendition_requests(users: Sequence[User], each: int) -> list[Any]:
    """Rendition requests for one matte."""
    picture = pictures_of(bare_job(users[0]))[0]
    complete(picture)
    matte = Matte.objects.get()
    return RenditionRequest.objects.bulk_create(
        RenditionRequest(
            user=user,
            picture=picture,
            matte=matte,
            recipe={},
            recipe_digest=f"{user.pk}-{number}",
            charged_pixels=6,
            charged_at=timezone.now(),
        )
        for number in range(each)
        for user in users
    )


def thumbnail_requests(users: Sequence[User], each: int) -> list[Any]:
    """Thumbnail requests, each for its own picture."""
    owners = [user for _ in range(each) for user in users]
    return ThumbnailRequest.objects.bulk_create(
        ThumbnailRequest(user=user, picture=picture)
        for user, picture in zip(owners, done_pictures(users[0], len(owners)), strict=True)
    )


MAKERS: Final[dict[str, tuple[AnyLine, Make, str]]] = {
    "pictures": (lines.PICTURES, pictures, "picture"),
    "renditions": (lines.RENDITIONS, rendition_requests, "rendition"),
    "thumbnails": (lines.THUMBNAILS, thumbnail_requests, "thumbnails"),
}


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def line(kind: str) -> AnyLine:
    return MAKERS[kind][0]


@pytest.fixture
def make(kind: str) -> Make:
    return MAKERS[kind][1]


@pytest.fixture
def row(make: Make, user: User) -> Any:
    return make([user], 1)[0]


class Events:
    """The states that were published about one kind of row, in order."""

    def __init__(self, valkey: redis.Redis, kind: str) -> None:
        self._pubsub = valkey.pubsub()
        self._pubsub.psubscribe(events.channel("*"))
        assert self._pubsub.get_message(timeout=10) is not None
        self._kind = kind
        self._states: list[str] = []

    def states(self, count: int) -> list[str]:
        """Waits for the first `count` states and returns them."""

        def read() -> bool:
            message = self._pubsub.get_message(timeout=0.1)
            if message is not None and message["type"] == "pmessage":
                hint = json.loads(message["data"])
                if hint["kind"] == self._kind:
                    self._states.append(hint["state"])
            return len(self._states) >= count

        until(read, f"{count} events of {self._kind}")
        return self._states


@pytest.fixture
def told(valkey: redis.Redis, kind: str) -> Events:
    return Events(valkey, MAKERS[kind][2])


def claimed(line: AnyLine, row: Any) -> Claim[Any]:
    claim = line.claim(row.pk)
    assert claim is not None
    return claim


def facts(line: AnyLine, row: Any) -> tuple[Any, ...]:
    found = line.model._default_manager.get(pk=row.pk)
    assert (found.lease_token, found.lease_until, found.dispatched_at) == (None, None, None)
    return found.state, found.attempts, found.error_code


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("leased_when_running", {"state": "running"}),
        ("leased_when_running", {"lease_token": UUID(int=1)}),
        ("leased_when_running", {"lease_until": NOON}),
        ("failed_says_why", {"error_code": "broken"}),
        ("state_known", {"state": "resting"}),
    ],
)
def test_the_database_refuses_contradictory_states(
    line: AnyLine, row: Any, constraint: str, changes: dict[str, Any]
) -> None:
    if changes.get("state") == "resting" and line is lines.PICTURES:
        changes = {**changes, "finished_at": NOON}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        line.model._default_manager.update(**changes)


def test_one_of_eight_workers_claims(line: AnyLine, row: Any) -> None:
    answers = at_once(lambda _: line.claim(row.pk), 8)
    held = [answer for answer in answers if isinstance(answer, Claim)]
    assert (len(held), answers.count(None)) == (1, 7)
    found = line.model._default_manager.get(pk=row.pk)
    assert (found.state, found.attempts, found.lease_token) == ("running", 1, held[0].token)


def test_a_caller_finds_its_own_claim_again(line: AnyLine, row: Any) -> None:
    token = uuid4()
    first, second = line.claim(row.pk, token=token), line.claim(row.pk, token=token)
    assert first is not None
    assert second is not None
    assert second.row.attempts == 1


def test_a_retried_row_is_claimed_only_by_an_idle_worker(line: AnyLine, row: Any) -> None:
    assert not line.was_tried(row.pk)
    line.model._default_manager.update(attempts=1)
    assert line.was_tried(row.pk)
    assert line.claim(row.pk, alone=False) is None
    assert line.claim(row.pk, alone=True) is not None


def test_an_expired_lease_requeues_with_the_attempt_counted_and_fails_at_the_last(
    line: AnyLine, row: Any, settings: Settings, told: Events
) -> None:
    settings.LEASE_SECONDS, settings.MAX_ATTEMPTS = 20, 2
    for attempt in (1, 2):
        start = NOON + timedelta(hours=attempt)
        with time_machine.travel(start, tick=False):
            dead = claimed(line, row)
        with time_machine.travel(start + timedelta(seconds=20), tick=False):
            assert line.expire() == 0
        with time_machine.travel(start + timedelta(seconds=21), tick=False):
            assert line.expire() == 1
            assert line.expire() == 0
        expected = ("queued", 1, "") if attempt == 1 else ("failed", 2, "worker_lost")
        assert facts(line, row) == expected
        with pytest.raises(LeaseLostError):
            line.fail(dead, "broken", "It is broken.")
        assert facts(line, row) == expected
    found = line.model._default_manager.get(pk=row.pk)
    assert found.error_sentence == line.rules.lost_sentence
    assert told.states(4) == ["running", "queued", "running", "failed"]


@pytest.mark.parametrize("way", ["expire", "fail", "give_back"])
def test_a_failed_row_is_refunded_once(
    kind: str, line: AnyLine, row: Any, settings: Settings, way: str
) -> None:
    settings.MAX_ATTEMPTS = 1
    claim = claimed(line, row)
    if way == "expire":
        line.model._default_manager.update(lease_until=NOON)
        line.expire()
        line.expire()
    else:
        getattr(line, way)(claim, "worker_lost", "It was lost.")
        with pytest.raises(LeaseLostError):
            getattr(line, way)(claim, "worker_lost", "It was lost.")
    refunds = {"pictures": [(1, 6, "worker_lost")], "renditions": [(0, 6, "worker_lost")], "thumbnails": []}
    found = Entry.objects.filter(kind="refund").values_list("pictures", "pixels", "reason")
    assert list(found) == refunds[kind]


def test_back_off_grows_each_time_a_row_is_given_back(
    line: AnyLine, row: Any, settings: Settings, told: Events
) -> None:
    settings.MAX_ATTEMPTS = 3
    for attempt, pause in ((1, 2), (2, 4)):
        with time_machine.travel(NOON, tick=False):
            line.give_back(claimed(line, row), "internal_error", "On our side.")
        assert facts(line, row) == ("queued", attempt, "")
        found = line.model._default_manager.get(pk=row.pk)
        assert found.not_before == NOON + timedelta(seconds=pause)
    line.give_back(claimed(line, row), "internal_error", "On our side.")
    assert facts(line, row) == ("failed", 3, "internal_error")
    assert told.states(6) == ["running", "queued", "running", "queued", "running", "failed"]


def test_a_postponed_row_spends_no_attempt(line: AnyLine, row: Any, settings: Settings) -> None:
    settings.STORE_PAUSE_SECONDS, settings.MAX_ATTEMPTS = 5, 1
    for _ in range(2):
        with time_machine.travel(NOON, tick=False):
            line.postpone(claimed(line, row))
        assert facts(line, row) == ("queued", 0, "")
        found = line.model._default_manager.get(pk=row.pk)
        assert found.not_before == NOON + timedelta(seconds=5)


def test_a_resting_row_is_not_sent(line: AnyLine, row: Any) -> None:
    line.model._default_manager.update(not_before=NOON)
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        assert line.top_up_everyone() == line.top_up(row.user_id) == 0
    with time_machine.travel(NOON, tick=False):
        assert line.top_up_everyone() == 1


def test_only_valid_leases_are_renewed(line: AnyLine, make: Make, user: User, settings: Settings) -> None:
    settings.LEASE_SECONDS = 20
    first, second = make([user], 2)
    with time_machine.travel(NOON, tick=False):
        tokens = [claimed(line, first).token, claimed(line, second).token]
        line.model._default_manager.filter(pk=second.pk).update(
            state="queued", lease_token=None, lease_until=None
        )
    with time_machine.travel(NOON + timedelta(seconds=15), tick=False):
        assert line.renew([*tokens, uuid4()]) == 1
    first.refresh_from_db()
    assert first.lease_until == NOON + timedelta(seconds=35)


def test_a_lost_message_is_sent_again_and_a_waiting_one_is_not(
    line: AnyLine, row: Any, settings: Settings, valkey: redis.Redis, queued: Callable[[str], list[str]]
) -> None:
    settings.REDISPATCH_SECONDS = 60
    later = NOON + timedelta(seconds=61)
    with time_machine.travel(NOON, tick=False):
        assert line.top_up(row.user_id) == 1
    with time_machine.travel(later, tick=False):
        assert line.recover_lost() == 0, "the broker holds it"
    valkey.delete("dramatiq:interactive", "dramatiq:interactive.msgs")
    with time_machine.travel(later, tick=False):
        assert line.recover_lost() == 1
        assert line.recover_lost() == 0
        assert line.top_up_everyone() == 1
    assert queued("interactive") == [str(row.pk)]


def test_without_a_broker_rows_wait_and_none_is_taken_for_lost(
    line: AnyLine, row: Any, settings: Settings, redis_away: Callable[[], AbstractContextManager[None]]
) -> None:
    settings.REDISPATCH_SECONDS = 60
    with time_machine.travel(NOON, tick=False):
        assert line.top_up(row.user_id) == 1
    with redis_away(), time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert line.recover_lost() == 0
    line.model._default_manager.update(dispatched_at=None)
    with redis_away():
        line.top_up_everyone()
    assert line.model._default_manager.get().dispatched_at is None
    assert line.top_up_everyone() == 1


def test_a_heavier_plan_has_a_wider_window(
    line: AnyLine, make: Make, user: User, stranger: User, settings: Settings
) -> None:
    settings.WINDOW = 2
    User.objects.filter(pk=user.pk).update(plan=Plan.objects.create(name="Heavy", weight=3))
    make([user, stranger], 8)
    assert line.top_up_everyone() == 6 + 2
    assert line.top_up_everyone() == 0
    sent = line.model._default_manager.filter(dispatched_at__isnull=False)
    assert [sent.filter(user=one).count() for one in (user, stranger)] == [6, 2]


def test_each_of_600_waiting_users_gets_a_turn(
    line: AnyLine, make: Make, settings: Settings, valkey: redis.Redis
) -> None:
    settings.WINDOW = 1
    crowd = User.objects.bulk_create(User(email=f"crowd{number}@example.org") for number in range(600))
    make(crowd, 2)
    assert [line.top_up_everyone() for _ in range(3)] == [500, 100, 0]
    sent = line.model._default_manager.filter(dispatched_at__isnull=False)
    assert set(sent.values_list("user", flat=True)) == {one.pk for one in crowd}


def test_two_dispatchers_at_once_never_exceed_the_window(
    line: AnyLine, make: Make, user: User, settings: Settings
) -> None:
    settings.WINDOW = 3
    make([user], 8)
    sent = at_once(lambda _: line.top_up(user.pk), 4)
    assert sorted(sent) == [0, 0, 0, 3]  # type: ignore[type-var]


def test_nothing_is_sent_while_the_store_is_away(line: AnyLine, row: Any, valkey: redis.Redis) -> None:
    valkey.set("circuit:store", "away")
    assert line.top_up_everyone() == line.top_up(row.user_id) == 0


def test_a_task_that_runs_twice_works_once(line: AnyLine, row: Any) -> None:
    worked: list[UUID] = []

    def work(claim: Claim[Any]) -> None:
        worked.append(claim.row.pk)
        line.fail(claim, "broken", "It is broken.")

    for _ in range(2):
        task.run(line, row.pk, work)
    assert worked == [row.pk]
    assert facts(line, row) == ("failed", 1, "broken")


def test_the_worker_tops_up_the_line_it_worked_for(
    line: AnyLine, make: Make, user: User, settings: Settings, queued: Callable[[str], list[str]]
) -> None:
    settings.WINDOW = 1
    first, second = make([user], 2)
    line.top_up(user.pk)
    task.run(line, first.pk, lambda claim: line.fail(claim, "broken", "It is broken."))
    assert queued("interactive") == [str(first.pk), str(second.pk)]


@pytest.mark.parametrize("each", lines.ALL, ids=lambda each: each.name)
def test_every_route_has_an_actor_on_its_queue(each: AnyLine) -> None:
    import jobs.actors  # noqa: F401  # declares them

    for route in each.routes:
        assert dramatiq.get_broker().get_actor(route.actor).queue_name == route.queue
