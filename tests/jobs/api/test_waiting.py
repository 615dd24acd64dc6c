"""?wait=: the response comes when the job or rendition is done."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import AsyncClient
from PIL import Image

from accounts.models import User
from jobs import long_polling
from jobs.api.endpoints import renditions
from jobs.long_polling import wait_made
from jobs.models import Job, Picture, RenditionRequest
from jobs.worker import rendering
from tests.conftest import make_job, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import complete_all, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


class Waiter:
    """A client that sends requests concurrently."""

    def __init__(self, user: User) -> None:
        self._headers = {"Authorization": f"Token {Program(user).secret}"}

    async def get(self, address: str, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await AsyncClient().get(address, headers={**self._headers, **given})

    async def post(self, address: str, body: Any) -> Any:
        kind = "application/json"
        return await AsyncClient().post(address, json.dumps(body), content_type=kind, headers=self._headers)

    async def send(self, address: str, content: bytes) -> Any:
        form = {"file": SimpleUploadedFile("matte.png", content)}
        return await AsyncClient().post(address, form, headers=self._headers)


async def in_thread(act: Any, *args: Any) -> Any:
    """Runs a worker's step in a thread with a database connection of its own."""

    def tidily() -> Any:
        try:
            return act(*args)
        finally:
            connections.close_all()

    return await sync_to_async(tidily, thread_sensitive=False)()


async def until_there(model: Any) -> Any:
    async with asyncio.timeout(30):
        while (row := await in_thread(model.objects.first)) is None:
            await asyncio.sleep(0.01)
    return row


async def test_creating_a_job_waits_for_its_end(user: User) -> None:
    upload = await in_thread(make_upload, user)
    client = await in_thread(Waiter, user)
    body = {"uploads": [str(upload.pk)]}
    asked = asyncio.create_task(client.post("/api/v1/jobs/?wait=60", body))
    job = await until_there(Job)
    assert not asked.done()
    await in_thread(complete_all, job)
    answer = await asked
    assert answer.status_code == 201
    said = answer.json()
    assert (said["state"], said["counts"]["done"]) == ("finished", 1)
    assert said["pictures"][0]["result_url"] is not None


async def test_reading_a_job_waits_for_its_end_or_the_time_out(user: User) -> None:
    job = await in_thread(make_job, user)
    client = await in_thread(Waiter, user)
    address = f"/api/v1/jobs/{job.pk}/"
    assert (await client.get(f"{address}?wait=1")).json()["state"] == "active"
    asked = asyncio.create_task(client.get(f"{address}?wait=60"))
    await asyncio.sleep(0)
    await in_thread(complete_all, job)
    answer = await asked
    assert answer.json()["state"] == "finished"
    known = await client.get(f"{address}?wait=60", If_None_Match=answer["ETag"])
    assert known.status_code == 304


async def test_a_job_deleted_meanwhile_is_returned_in_its_last_state(user: User) -> None:
    job = await in_thread(make_job, user)
    client = await in_thread(Waiter, user)
    asked = asyncio.create_task(client.get(f"/api/v1/jobs/{job.pk}/?wait=60"))
    async with asyncio.timeout(30):
        while str(job.pk) not in long_polling._subscription().waiting:
            await asyncio.sleep(0)
    await in_thread(job.delete)
    assert (await asked).status_code in {200, 404}


async def test_a_rendition_request_waits_for_the_rendition(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await in_thread(make_job, user)
    await in_thread(complete_all, job)
    picture = (await in_thread(pictures_of, job))[0]
    client = await in_thread(Waiter, user)
    asked = asyncio.create_task(
        client.post(
            f"/api/v1/pictures/{picture.pk}/renditions/?wait=60",
            {"recipe": {"format": "webp"}},
        )
    )
    rendition_request = await until_there(RenditionRequest)

    def broken(*_: object) -> None:
        raise rendering.PictureError("broken_picture", "It is broken.")

    monkeypatch.setattr(rendering, "_work", broken)
    await in_thread(rendering.fulfil, rendition_request.pk)
    answer = await asked
    assert (answer.status_code, answer.json()["state"]) == (202, "failed")
    assert answer.json()["error"]["code"] == "broken_picture"


def finished(user: User) -> Picture:
    """A finished picture."""
    return pictures_of(complete_all(make_job(user)))[0]


def grey(picture: Picture) -> bytes:
    """A matte for it."""
    out = io.BytesIO()
    Image.new("L", (picture.width or 0, picture.height or 0), 255).save(out, "PNG")
    return out.getvalue()


def asked_for(kind: str, client: Waiter, picture: Picture) -> Any:
    """Requests a rendition of this picture, in one of the ways that wait for it."""
    place = f"/api/v1/pictures/{picture.pk}"
    if kind == "mattes":
        return client.send(f"{place}/mattes/?wait=60", grey(picture))
    return client.post(f"{place}/renditions/?wait=60", {"recipe": {"format": "webp"}})


def make(rendition_request: UUID) -> None:
    """Stores what a worker stores when it fulfils a rendition request."""
    row = RenditionRequest.objects.get(pk=rendition_request)
    made = row.picture.renditions.get()
    made.pk, made.recipe, made.recipe_digest = row.pk, row.recipe, row.recipe_digest
    if row.matte is None:
        matte = made.matte
        matte.pk, matte.revision = None, row.revision
        matte.save(force_insert=True)
        made.matte = matte
    made.save(force_insert=True)
    row.delete()


@pytest.mark.parametrize("kind", ["renditions", "mattes"])
async def test_a_rendition_made_within_the_wait_is_a_200(user: User, kind: str) -> None:
    picture = await in_thread(finished, user)
    client = await in_thread(Waiter, user)
    asked = asyncio.create_task(asked_for(kind, client, picture))
    rendition_request = await until_there(RenditionRequest)
    await in_thread(make, rendition_request.pk)
    answer = await asked
    said = answer.json()
    assert (answer.status_code, said["id"], said["state"]) == (200, str(rendition_request.pk), "done")
    assert answer["Location"] == said["url"]


@pytest.mark.parametrize(("kind", "status"), [("renditions", 202), ("mattes", 202), ("looking", 200)])
async def test_a_rendition_deleted_meanwhile_is_returned_in_its_last_state(
    user: User, kind: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()

    async def watched(rendition: UUID, seconds: float) -> bool:
        waiting.set()
        return await wait_made(rendition, seconds)

    monkeypatch.setattr(renditions, "wait_made", watched)
    picture = await in_thread(finished, user)
    client = await in_thread(Waiter, user)
    if kind == "looking":
        address = f"/api/v1/pictures/{picture.pk}/renditions/"
        wished = (await client.post(address, {"recipe": {"format": "webp"}})).json()
        asked = asyncio.create_task(client.get(f"{wished['url']}?wait=60"))
    else:
        asked = asyncio.create_task(asked_for(kind, client, picture))
    rendition_request = await until_there(RenditionRequest)
    async with asyncio.timeout(30):
        await waiting.wait()
    await in_thread(picture.delete)
    answer = await asked
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert (answer.json()["id"], answer.json()["state"]) == (str(rendition_request.pk), "queued")


@pytest.mark.parametrize("wait", ["x", "-1", "61", "9" * 5000, "1.5", "²"])
def test_invalid_waits(user: User, wait: str) -> None:
    job = make_job(user)
    refused = Program(user).get(f"jobs/{job.pk}/?wait={wait}")
    assert (refused.status_code, refused.json()["field"]) == (422, "wait")
