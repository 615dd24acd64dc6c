"""Long polling for jobs and renditions: wake-up by a pub/sub message, polling as a fallback, and the time
limit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from accounts.models import User
from jobs import events, long_polling
from jobs.models import Job, Matte, Rendition, RenditionRequest
from jobs.queue.claims import Claim
from jobs.services import lines, removal, rendition_requests
from jobs.worker import rendering
from segmentation.encode import Encoded
from segmentation.errors import PictureError
from segmentation.recipe import Recipe
from tests.jobs.factories import bare_job, complete_all, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def finish(job: Job) -> None:
    for picture in pictures_of(job):
        claim = lines.PICTURES.claim(picture.pk)
        assert claim is not None
        lines.PICTURES.end(claim, "done")


async def until_listening(count: int = 1) -> None:
    """Waits until `count` waiters are registered and the subscription is active."""
    subscription = long_polling._subscription()
    while not subscription.is_active or sum(map(len, subscription.waiting.values())) < count:
        await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def _only_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disables the fallback polling: a waiter that is not woken would exceed the test's time limit."""
    monkeypatch.setattr(long_polling, "FIRST_PAUSE", 300.0)
    monkeypatch.setattr(long_polling, "LONGEST_PAUSE", 300.0)


async def test_an_ended_job_is_not_waited_for(user: User) -> None:
    job = await sync_to_async(lambda: complete_all(bare_job(user)))()
    assert await long_polling.wait_ended(job.pk, 30) is True
    assert await long_polling.wait_ended(job.pk, 0) is True
    assert await long_polling.wait_ended(uuid4(), 30) is True, "a deleted job has ended"


async def test_a_message_wakes_all_waiters(user: User) -> None:
    job = await sync_to_async(bare_job)(user, 2)
    waits = [asyncio.create_task(long_polling.wait_ended(job.pk, 100)) for _ in range(3)]
    await until_listening(3)
    await sync_to_async(finish)(job)
    assert await asyncio.gather(*waits) == [True, True, True]
    assert long_polling._subscription().waiting == {}


async def test_a_cancelled_job_wakes_its_waiter(user: User) -> None:
    job = await sync_to_async(bare_job)(user)
    wait = asyncio.create_task(long_polling.wait_ended(job.pk, 100))
    await until_listening()
    await sync_to_async(removal.cancel)(job)
    assert await wait is True


async def test_events_of_other_jobs_and_of_pictures_wake_no_waiter(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[UUID] = []
    look = long_polling._job_ended
    monkeypatch.setattr(long_polling, "_job_ended", lambda job: looks.append(job) or look(job))
    job, other = await sync_to_async(bare_job)(user), await sync_to_async(bare_job)(user)
    wait = asyncio.create_task(long_polling.wait_ended(job.pk, 100))
    await until_listening()
    while not looks:
        await asyncio.sleep(0.001)
    await sync_to_async(finish)(other)
    await sync_to_async(finish)(job)
    assert await wait is True
    assert looks == [job.pk, job.pk]


async def test_waiting_ends_at_the_time_limit(user: User) -> None:
    job = await sync_to_async(bare_job)(user)
    assert await long_polling.wait_ended(job.pk, 0.2) is False
    assert await long_polling.wait_ended(job.pk, 0) is False


async def test_polling_finds_the_end_after_a_missed_message(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polling, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(events, "tell", lambda *_, **__: None)
    job = await sync_to_async(bare_job)(user)
    wait = asyncio.create_task(long_polling.wait_ended(job.pk, 100))
    await until_listening()
    await sync_to_async(finish)(job)
    assert await wait is True


async def test_polling_finds_the_end_without_redis(
    user: User, redis_away: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polling, "PAUSE_WITHOUT_REDIS", 0.01)
    job = await sync_to_async(bare_job)(user)
    with redis_away():
        wait = asyncio.create_task(long_polling.wait_ended(job.pk, 100))
        while not long_polling._subscription().waiting:
            await asyncio.sleep(0.001)
        await sync_to_async(finish)(job)
        assert await wait is True


async def test_the_subscription_is_restored_when_redis_is_back(
    user: User, redis_away: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polling, "PAUSE_WITHOUT_REDIS", 0.01)
    job = await sync_to_async(bare_job)(user)
    wait = asyncio.create_task(long_polling.wait_ended(job.pk, 100))
    await until_listening()
    with redis_away():
        while long_polling._subscription().is_active:
            await asyncio.sleep(0.001)
    monkeypatch.setattr(long_polling, "PAUSE_WITHOUT_REDIS", 300.0)
    await until_listening()
    await sync_to_async(finish)(job)
    assert await wait is True


async def test_a_cancelled_wait_is_unregistered(user: User) -> None:
    job = await sync_to_async(bare_job)(user)
    wait = asyncio.create_task(long_polling.wait_ended(job.pk, 100))
    await until_listening()
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    assert long_polling._subscription().waiting == {}


async def test_a_thousand_waits_hold_no_thread_and_no_connection(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[UUID] = []
    look = long_polling._job_ended
    monkeypatch.setattr(long_polling, "_job_ended", lambda job: looks.append(job) or look(job))
    job = await sync_to_async(bare_job)(user)
    waits = [asyncio.create_task(long_polling.wait_ended(job.pk, 100)) for _ in range(1000)]
    await until_listening(1000)
    while len(looks) < 1000:
        await asyncio.sleep(0.001)
    # Every first query has begun and no waiter was woken. The waiters hold no thread, and so no connection.
    assert threading.active_count() < 50
    assert not any(wait.done() for wait in waits)
    await sync_to_async(finish)(job)
    assert all(await asyncio.gather(*waits))


JPEG = Recipe(format="jpeg")


@pytest.fixture
def rendition_request(user: User) -> RenditionRequest:
    """A rendition request for a finished picture."""
    picture = pictures_of(complete_all(bare_job(user)))[0]
    request = rendition_requests.render(picture, Matte.objects.get(), JPEG)
    assert isinstance(request, RenditionRequest)
    return request


def fulfil(rendition_request: RenditionRequest, monkeypatch: pytest.MonkeyPatch, *, broken: bool) -> None:
    """Fulfils the request as a worker would, without rendering."""

    def work(claim: Claim[RenditionRequest]) -> None:
        if broken:
            raise PictureError("broken_picture", "It is broken.")
        matte = claim.row.matte
        assert matte is not None
        file = Encoded(b"x", "image/jpeg", "jpg", 8, 6)
        rendering._conclude(claim, matte, rendering._rendition(claim.row, matte, JPEG, file))

    monkeypatch.setattr(rendering, "_work", work)
    rendering.fulfil(rendition_request.pk)


@pytest.mark.parametrize("broken", [False, True])
async def test_a_hundred_waiters_for_a_rendition_query_twice_each(
    rendition_request: RenditionRequest, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    looks: list[UUID] = []
    look = long_polling._rendition_ended

    def counted(one: UUID) -> bool:
        # Counted after the query: no first query can see a change that follows the last of them.
        seen = look(one)
        looks.append(one)
        return seen

    monkeypatch.setattr(long_polling, "_rendition_ended", counted)
    other = asyncio.create_task(long_polling.wait_made(uuid4(), 100))
    waits = [asyncio.create_task(long_polling.wait_made(rendition_request.pk, 100)) for _ in range(100)]
    await until_listening(100)
    while len(looks) < 101:
        await asyncio.sleep(0.001)
    assert not any(wait.done() for wait in waits)
    await sync_to_async(partial(fulfil, rendition_request, monkeypatch, broken=broken))()
    assert set(await asyncio.gather(*waits)) == {True}
    assert await other is True, "a deleted request has ended"
    assert len(looks) == 201
    assert long_polling._subscription().waiting == {}
    assert await Rendition.objects.filter(pk=rendition_request.pk).aexists() is not broken


async def test_waiting_for_a_rendition_ends_at_the_time_limit(rendition_request: RenditionRequest) -> None:
    assert await long_polling.wait_made(rendition_request.pk, 0.2) is False
    assert await long_polling.wait_made(rendition_request.pk, 0) is False


async def test_polling_finds_a_rendition_request_that_was_deleted(
    rendition_request: RenditionRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polling, "FIRST_PAUSE", 0.01)
    wait = asyncio.create_task(long_polling.wait_made(rendition_request.pk, 100))
    await until_listening()
    await sync_to_async(RenditionRequest.objects.all().delete)()
    assert await wait is True


async def test_waiting_for_a_rendition_ends_when_its_last_lease_expires(
    rendition_request: RenditionRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_ATTEMPTS = 1
    monkeypatch.setattr(long_polling, "FIRST_PAUSE", 100.0)
    monkeypatch.setattr(long_polling, "LONGEST_PAUSE", 100.0)
    wait = asyncio.create_task(long_polling.wait_made(rendition_request.pk, 100))
    await until_listening(1)

    def die() -> None:
        assert lines.RENDITIONS.claim(rendition_request.pk) is not None
        RenditionRequest.objects.update(lease_until="2020-01-01T00:00:00Z")
        assert lines.RENDITIONS.expire() == 1

    await sync_to_async(die)()
    assert await asyncio.wait_for(wait, 30)
