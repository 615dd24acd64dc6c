"""Clients that time out and repeat their request; and ephemeral tokens."""

from __future__ import annotations

import asyncio
import gc
import io
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from accounts.models import Entry, User
from bgplatform.asgi import application
from jobs import long_polling
from jobs.compat import body
from jobs.compat.body import Body
from jobs.models import Backdrop, Discard, Job, Matte, Picture, Receipt, Rendition, SearchText, Upload
from jobs.services import backdrops, synchronous
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller
from tests.jobs.factories import stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")
EVERYTHING = (Job, Picture, Matte, Rendition, Upload, SearchText, Receipt, Discard, Backdrop)


def photo(data: bytes = PHOTO) -> Any:
    return SimpleUploadedFile("disc.jpg", data)


async def counts() -> dict[str, int]:
    return {model.__name__: n for model in EVERYTHING if (n := await model.objects.acount())}


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_twenty_concurrent_requests_make_one_job_and_one_charge(caller: Caller) -> None:
    answers = await asyncio.gather(*(caller.form({"image_file": photo()}) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers["X-Credits-Charged"] for answer in answers) == ["0"] * 19 + ["1"]
    assert await Job.objects.acount() == await Entry.objects.acount() == await Upload.objects.acount() == 1
    assert len(stored_files()) == 3, "source, matte and result, and nothing of those that came too late"


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_other_recipes_bytes_and_users_make_other_jobs(
    caller: Caller, make_caller: Callable[..., Caller], stranger: User
) -> None:
    other = await sync_to_async(make_caller)(owner=stranger)
    for one, fields in (
        (caller, {"image_file": photo()}),
        (caller, {"image_file": photo(), "format": "jpg"}),
        (caller, {"image_file": photo(PHOTO + b"\0")}),
        (other, {"image_file": photo()}),
    ):
        assert (await one.form(fields)).headers["X-Credits-Charged"] == "1"
    assert await Job.objects.acount() == 4


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_failed_or_old_jobs_are_not_reused(caller: Caller) -> None:
    assert (await caller.form({"image_file": photo()})).status == 200
    await Picture.objects.aupdate(queued_at=timezone.now() - synchronous.SAME_FOR - timedelta(seconds=1))
    assert (await caller.form({"image_file": photo()})).headers["X-Credits-Charged"] == "1"
    assert await Job.objects.acount() == 2


async def test_a_retry_finds_the_running_job(caller: Caller, settings: Settings) -> None:
    settings.SYNC_SECONDS = 0
    for _ in range(3):
        answer = await caller.form({"image_file": photo()})
        assert answer.error == (503, "still_working")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["X-RateLimit-Limit"] == "500"
    assert await Job.objects.acount() == 1


async def waiting_for_a_job() -> None:
    while not long_polling._subscription().waiting:
        await asyncio.sleep(0.005)


async def abandoned(caller: Caller) -> None:
    """A client that sends its request and disconnects while it waits."""
    body = encode_multipart(BOUNDARY, {"image_file": photo()})
    headers = {b"x-api-key": caller.secret.encode(), b"content-type": MULTIPART_CONTENT.encode()}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1.0/removebg",
        "query_string": b"",
        "headers": list(headers.items()),
        "client": ("192.0.2.9", 1),
        "server": ("localhost", 80),
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await waiting_for_a_job()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, send)
    assert sent == []


@contextmanager
def under_way(call: Coroutine[Any, Any, Answer]) -> Iterator[asyncio.Task[Answer]]:
    """A concurrent call that is aborted at the end."""
    task = asyncio.ensure_future(call)
    try:
        yield task
    finally:
        task.cancel()


async def test_waiting_requests_hold_no_body_in_memory(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[weakref.ref[Body]] = []
    read = body.read

    def remembered(*args: Any) -> Body:
        found = read(*args)
        bodies.append(weakref.ref(found))
        return found

    monkeypatch.setattr(body, "read", remembered)
    with under_way(caller.form({"image_file": photo()})):
        await waiting_for_a_job()
        gc.collect()
        assert [one() for one in bodies] == [None]


async def test_a_restart_uploads_the_background_again(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    behind = SimpleUploadedFile("behind.jpg", make_picture(40, 30, format="JPEG", seed=1))
    with under_way(caller.form({"image_file": photo(), "bg_image_file": behind})) as call:
        await waiting_for_a_job()
        first = await Job.objects.aget()
        await sync_to_async(synchronous.forget)(first.pk)
        assert await Backdrop.objects.acount() == 0
        while not call.done() and not await Job.objects.exclude(pk=first.pk).aexists():
            await asyncio.sleep(0.005)
        assert not call.done()
    assert await Backdrop.objects.acount() == 1


async def test_a_failed_start_leaves_no_background(make_caller: Callable[..., Caller], user: User) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    own = await sync_to_async(backdrops.take_in)(user, make_picture(40, 30, format="JPEG", seed=2))
    user.pictures_month = 0
    await user.asave()
    for seed in (1, 2):
        behind = SimpleUploadedFile("behind.jpg", make_picture(40, 30, format="JPEG", seed=seed))
        answer = await caller.form({"image_file": photo(), "bg_image_file": behind})
        assert answer.error == (402, "insufficient_credits")
    assert (await Backdrop.objects.aget()).pk == own.pk, "what its owner keeps stays"
    assert stored_files() == [own.key]


@pytest.mark.parametrize("ephemeral", [False, True])
async def test_a_disconnected_client_breaks_nothing(
    make_caller: Callable[..., Caller], settings: Settings, ephemeral: bool
) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=ephemeral)
    await abandoned(caller)
    assert long_polling._subscription().waiting == {}
    job = await Job.objects.aget()
    assert (job.state, job.ephemeral) == ("active", ephemeral)
    settings.SYNC_SECONDS = 0
    assert (await caller.form({"image_file": photo()})).error == (503, "still_working")
    assert await Job.objects.acount() == 1, "it found the one that was begun"


@pytest.mark.real
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("json", [False, True])
async def test_nothing_is_kept_after_an_ephemeral_response(
    make_caller: Callable[..., Caller], json: bool
) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    behind = SimpleUploadedFile("behind.jpg", make_picture(40, 30, format="JPEG", seed=1))
    fields = {"image_file": photo(), "bg_image_file": behind}
    answer = await caller.form(fields, **({"Accept": "application/json"} if json else {}))
    assert (answer.status, answer.headers["X-Credits-Charged"]) == (200, "1")
    assert (await counts(), stored_files()) == ({}, [])
    assert await Entry.objects.acount() == 1, "that it was charged stays"


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_a_large_file_is_sent_although_it_is_deleted(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)).save(
        noise, "PNG"
    )
    answer = await caller.form(
        {
            "image_file": photo(make_picture(1600, 1200, format="JPEG")),
            "bg_image_file": SimpleUploadedFile("noise.png", noise.getvalue()),
            "size": "full",
            "format": "png",
        }
    )
    assert answer.status == 200
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 4 * 2**20
    assert (await counts(), stored_files()) == ({}, [])


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_nothing_is_kept_after_an_ephemeral_failure(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    answer = await caller.form({"image_file": photo(), "roi": "0px 0px 5px 5px"})
    assert answer.error == (400, "unknown_foreground")
    assert (await counts(), stored_files()) == ({}, [])


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_concurrent_ephemeral_calls_all_get_a_response(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    answers = await asyncio.gather(*(caller.form({"image_file": photo()}) for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert (await counts(), stored_files()) == ({}, [])


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_an_ephemeral_call_does_not_reuse_a_stored_job(make_caller: Callable[..., Caller]) -> None:
    kept = await sync_to_async(make_caller)()
    fleeting = await sync_to_async(make_caller)(ephemeral=True)
    assert (await kept.form({"image_file": photo()})).status == 200
    before = stored_files()
    assert (await fleeting.form({"image_file": photo()})).headers["X-Credits-Charged"] == "1"
    assert stored_files() == before
    assert await Job.objects.acount() == 1


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_an_abandoned_ephemeral_result_is_cleaned_up(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    await abandoned(caller)
    job = await Job.objects.aget()
    assert await long_polling.wait_ended(job.pk, 30)
    assert await sync_to_async(synchronous.sweep)() == 0, "who asks again in a moment still finds it"
    await Job.objects.aupdate(finished_at=timezone.now() - synchronous.FORGET_AFTER - timedelta(seconds=1))
    assert await sync_to_async(synchronous.sweep)() == 1
    assert (await counts(), stored_files()) == ({}, [])


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_backdrops_are_kept_until_their_jobs_are_deleted(caller: Caller, settings: Settings) -> None:
    behind = make_picture(40, 30, format="JPEG", seed=1)
    for format in ("jpg", "png"):
        fields = {
            "image_file": photo(),
            "bg_image_file": SimpleUploadedFile("b.jpg", behind),
            "format": format,
        }
        assert (await caller.form(fields)).status == 200
    backdrop = await Backdrop.objects.aget()
    assert await backdrop.jobs.acount() == 2, "the same bytes are one backdrop"
    await Backdrop.objects.aupdate(
        last_used_at=timezone.now() - timedelta(hours=settings.UPLOAD_HOURS, seconds=1)
    )
    assert await sync_to_async(backdrops.sweep)() == 0
    await Job.objects.all().adelete()
    assert await sync_to_async(backdrops.sweep)() == 1
    assert backdrop.key not in stored_files()
