"""Bounds that a call meets before anything is fetched, begun or parsed."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from jobs.compat import running, sources
from jobs.compat.turns import Turns
from jobs.models import Job
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")


def file(data: bytes) -> Any:
    return SimpleUploadedFile("photo", data)


@pytest.mark.parametrize(
    ("turns", "fields"),
    [
        (sources.FETCHING, {"image_url": "http://192.0.2.1/a.jpg"}),
        (sources.FETCHING, {"image_file": PHOTO, "bg_image_url": "http://192.0.2.1/a.jpg"}),
        (running.WAITING, {"image_file": PHOTO}),
    ],
)
async def test_more_at_once_than_one_may(
    caller: Caller, user: User, turns: Turns, fields: dict[str, Any]
) -> None:
    with ExitStack() as others:
        for _ in range(turns.most):
            others.callback(turns.take(user.pk))
        given = {name: file(value) if isinstance(value, bytes) else value for name, value in fields.items()}
        answer = await caller.form(given)
    assert (answer.error, answer.headers["Retry-After"]) == ((429, "rate_limit_exceeded"), "5")
    assert not await Job.objects.aexists()


async def test_headers_beyond_reading(caller: Caller) -> None:
    answer = await caller.send(b"", "application/json; charset*=nope''x")
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
