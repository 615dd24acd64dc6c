"""Server-sent events of a job: hints are delivered, the stream ends with the job, and a page never waits
forever.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import redis
from allauth.account.adapter import get_adapter
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import AsyncClient
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.services import sessions
from jobs import events
from jobs.models import Job
from jobs.services import lines, progress, removal
from jobs.views import events as streaming
from tests.jobs.factories import bare_job, complete_all, pictures_of
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


async def opened(user: User, job: Job) -> Any:
    client = AsyncClient()
    await client.aforce_login(user, backend="accounts.backends.AuthenticationBackend")
    response = await client.get(f"/jobs/{job.pk}/events/")
    assert response.status_code == 200
    return response


async def until_it_stands(stream: AsyncIterator[bytes]) -> None:
    """Reads up to the comment that confirms the subscription."""
    assert await anext(stream) == b"retry: 2000\n\n"
    assert await anext(stream) == b": keep-alive\n\n"


async def hang_up(stream: AsyncIterator[bytes]) -> None:
    """Ends a stream as Django does when the client disconnects."""
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def event(kind: str, **facts: str) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(facts)}\n\n".encode()


async def test_the_stream_of_an_ended_job_ends_at_once(user: User) -> None:
    job = await sync_to_async(lambda: complete_all(bare_job(user)))()
    response = await opened(user, job)
    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Accel-Buffering"] == "no"
    stream = aiter(response)
    await until_it_stands(stream)
    assert [piece async for piece in stream] == [event("job", state="finished")]


async def test_hints_arrive_as_they_come_and_the_stream_ends_with_the_job(user: User) -> None:
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)

    def work() -> str:
        picture = pictures_of(job)[0]
        claim = lines.PICTURES.claim(picture.pk)
        assert claim is not None
        lines.PICTURES.end(claim, "done")
        return str(picture.pk)

    picture = await sync_to_async(work)()
    assert [piece async for piece in stream] == [
        event("picture", id=picture, state="running"),
        event("job", state="finished"),
    ]


async def test_a_cancelled_job_ends_its_stream(user: User) -> None:
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    await sync_to_async(removal.cancel)(job)
    assert [piece async for piece in stream] == [event("job", state="cancelled")]


async def test_hints_of_other_jobs_are_not_sent(user: User) -> None:
    job, other = await sync_to_async(lambda: (bare_job(user), bare_job(user)))()
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    await sync_to_async(removal.cancel)(other)
    await sync_to_async(removal.cancel)(job)
    assert [piece async for piece in stream] == [event("job", state="cancelled")]


async def test_a_missed_hint_is_found_by_the_check_after_a_silence(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SILENCE_SECONDS", 0.01)
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    await Job.objects.aupdate(state="finished", finished_at=timezone.now())
    rest = [piece async for piece in stream]
    assert set(rest[:-1]) <= {b": keep-alive\n\n"}
    assert rest[-1] == event("job", state="finished")


async def test_a_deleted_job_ends_its_stream(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SILENCE_SECONDS", 0.01)
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    await sync_to_async(removal.delete_jobs)([job.pk])
    assert [piece async for piece in stream][-1] == event("job", state="gone")


async def test_without_redis_the_stream_ends_and_the_page_polls(
    user: User, redis_away: Callable[[], AbstractContextManager[None]]
) -> None:
    job = await sync_to_async(bare_job)(user)
    with redis_away():
        response = await opened(user, job)
        assert [piece async for piece in response] == [b"retry: 2000\n\n"]


async def test_a_redis_failure_ends_the_stream(user: User, valkey: redis.Redis) -> None:
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    valkey.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    rest = [piece async for piece in _at_most(stream, 3)]
    assert all(piece == b": keep-alive\n\n" for piece in rest)


async def test_a_disconnected_client_leaves_no_subscription(user: User, valkey: redis.Redis) -> None:
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)

    def listeners() -> int:
        count: int = valkey.pubsub_numsub(events.channel(job.pk))[0][1]
        return count

    assert listeners() == 1
    await hang_up(stream)
    await sync_to_async(until)(lambda: listeners() == 0, "the subscription is gone")


async def test_too_many_streams_are_refused(
    user: User, stranger: User, valkey: redis.Redis, settings: Settings
) -> None:
    settings.MAX_EVENT_STREAMS = 2
    job, others = await sync_to_async(lambda: (bare_job(user), bare_job(stranger)))()
    streams = [aiter(await opened(user, job)) for _ in range(2)]
    for stream in streams:
        await until_it_stands(stream)

    client = AsyncClient()
    await client.aforce_login(user, backend="accounts.backends.AuthenticationBackend")
    refused = await client.get(f"/jobs/{job.pk}/events/")
    assert (refused.status_code, refused["Retry-After"]) == (429, "10")
    assert refused.json()["code"] == "too_many_streams"
    await opened(stranger, others)

    await hang_up(streams[0])
    await sync_to_async(until)(
        lambda: valkey.pubsub_numsub(events.streams_channel(user.pk))[0][1] == 1, "one is closed"
    )
    third = aiter(await opened(user, job))
    await until_it_stands(third)
    await hang_up(third)
    await hang_up(streams[1])


async def test_a_hint_that_is_published_without_redis_changes_nothing(
    user: User,
    redis_away: Callable[[], AbstractContextManager[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = await sync_to_async(bare_job)(user)
    with redis_away():
        await sync_to_async(progress.tell_picture)(job.pk, job.pk, "done")
    assert f"Could not publish an event of job {job.pk}" in caplog.text


async def test_a_stream_ends_when_its_session_is_signed_out_and_others_go_on(user: User) -> None:
    job = await sync_to_async(bare_job)(user)
    browsers = [AsyncClient(), AsyncClient()]
    streams = []
    for browser in browsers:
        await browser.aforce_login(user, backend="accounts.backends.AuthenticationBackend")
        streams.append(aiter(await browser.get(f"/jobs/{job.pk}/events/")))
        await until_it_stands(streams[-1])
    await browsers[0].post("/account/logout/")
    assert [piece async for piece in streams[0]] == []
    await sync_to_async(removal.cancel)(job)
    assert [piece async for piece in streams[1]] == [event("job", state="cancelled")]


def change_password(user: User) -> None:
    get_adapter().set_password(user, "another correct horse")


def close_account(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    sessions.notify_session_end(user.pk)


def end_sessions(user: User) -> None:
    Session.objects.all().delete()
    sessions.notify_session_end(user.pk)


@pytest.mark.parametrize("end", [change_password, close_account, end_sessions])
async def test_a_stream_ends_with_the_password_the_account_and_the_session(
    user: User, end: Callable[[User], None]
) -> None:
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    await sync_to_async(end)(user)
    assert [piece async for piece in stream] == []


@pytest.mark.parametrize("busy", [True, False])
async def test_a_stream_checks_its_session_without_a_hint(
    user: User, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    """A session that expired or was deleted by a command, also while hints arrive without a pause."""
    monkeypatch.setattr(streaming, "SESSION_SECONDS", 0.0)
    monkeypatch.setattr(events, "SILENCE_SECONDS", 15.0 if busy else 0.01)
    job = await sync_to_async(bare_job)(user)
    stream = aiter(await opened(user, job))
    await until_it_stands(stream)
    await Session.objects.all().adelete()
    if busy:
        await sync_to_async(events.tell)(job.pk, "picture", id="x", state="running")
    rest = [piece async for piece in stream]
    assert set(rest) <= {b": keep-alive\n\n"}


async def _at_most(stream: AsyncIterator[bytes], count: int) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield piece
        count -= 1
        if not count:
            return
