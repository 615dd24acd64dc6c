"""?wait=: the answer comes when the thing is done."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from accounts.models import User
from jobs.models import Job, Wish
from jobs.services import fulfilling
from tests.conftest import make_job, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import complete_all, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


class Waiter:
    """A program whose requests run beside each other."""

    def __init__(self, user: User) -> None:
        self._headers = {"Authorization": f"Token {Program(user).secret}"}

    async def get(self, address: str, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await AsyncClient().get(address, headers={**self._headers, **given})

    async def post(self, address: str, body: Any) -> Any:
        kind = "application/json"
        return await AsyncClient().post(address, json.dumps(body), content_type=kind, headers=self._headers)


async def in_thread(act: Any, *args: Any) -> Any:
    """A worker's doing, with a connection of its own."""

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


async def test_a_new_job_answers_when_it_has_ended(user: User) -> None:
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


async def test_looking_waits_for_the_end_and_no_longer_than_asked(user: User) -> None:
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


async def test_a_job_that_is_deleted_meanwhile_is_told_as_it_was(user: User) -> None:
    job = await in_thread(make_job, user)
    client = await in_thread(Waiter, user)
    asked = asyncio.create_task(client.get(f"/api/v1/jobs/{job.pk}/?wait=60"))
    await asyncio.sleep(0.2)
    await in_thread(job.delete)
    assert (await asked).status_code in {200, 404}


async def test_a_rendition_answers_when_it_is_made(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
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
    wish = await until_there(Wish)

    def broken(*_: object) -> None:
        raise fulfilling.PictureError("broken_picture", "It is broken.")

    monkeypatch.setattr(fulfilling, "_work", broken)
    await in_thread(fulfilling.fulfil, wish.pk)
    answer = await asked
    assert (answer.status_code, answer.json()["state"]) == (202, "failed")
    assert answer.json()["error"]["code"] == "broken_picture"


@pytest.mark.parametrize("wait", ["x", "-1", "61", "9" * 5000, "1.5", "²"])
def test_a_wait_that_cannot_be(user: User, wait: str) -> None:
    job = make_job(user)
    refused = Program(user).get(f"jobs/{job.pk}/?wait={wait}")
    assert (refused.status_code, refused.json()["field"]) == (422, "wait")
