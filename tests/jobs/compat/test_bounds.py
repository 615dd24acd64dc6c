"""Limits that are checked before anything is downloaded, started or parsed."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from jobs.compat import execution, sources
from jobs.compat.concurrency import ConcurrencyLimit
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
        (sources.PATIENT, {"image_url": "http://192.0.2.1/a.jpg"}),
        (sources.FETCHING, {"image_file": PHOTO, "bg_image_url": "http://192.0.2.1/a.jpg"}),
        (execution.WAITING, {"image_file": PHOTO}),
    ],
)
async def test_too_many_concurrent_calls(
    caller: Caller,
    user: User,
    turns: ConcurrencyLimit,
    fields: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "PATIENCE_SECONDS", 0)
    with ExitStack() as others:
        for _ in range(turns.most):
            others.callback(turns.take(user.pk))
        given = {name: file(value) if isinstance(value, bytes) else value for name, value in fields.items()}
        answer = await caller.form(given)
    assert (answer.error, answer.headers["Retry-After"]) == ((429, "rate_limit_exceeded"), "5")
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("500", "500")
    assert int(answer.headers["X-RateLimit-Reset"]) % 60 == 0
    assert not await Job.objects.aexists()


@pytest.mark.parametrize(
    ("kind", "more", "status", "code", "title"),
    [
        (
            "application/json; charset*=nope''x",
            {},
            400,
            "invalid_headers",
            "Request headers could not be read",
        ),
        ("a/b" + "; a=b" * 300, {}, 431, "headers_too_large", "Request headers too large"),
        ("a/b", {"X-Long": "x" * 2**17}, 431, "headers_too_large", "Request headers too large"),
        ("a/b", {"Content-Length": "9" * 19}, 400, "file_too_large", "Image file too large"),
    ],
)
async def test_requests_refused_before_the_views(
    caller: Caller, kind: str, more: dict[str, str], status: int, code: str, title: str
) -> None:
    """Clients of remove.bg and rembg do not know our own error format."""
    answer = await caller.send(b"", kind, **more)
    assert (answer.status, answer.json["errors"][0]["code"]) == (status, code)
    assert answer.json["errors"][0]["title"] == title
    assert set(answer.json) == {"errors"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["connection"] == "close"
    detail = answer.json["errors"][0]["detail"]
    other = await caller.send(b"", kind, "/api/remove", **more)
    assert (other.status, other.json) == (status, {"detail": detail})
    ours = await caller.send(b"", kind, "/api/v1/jobs/", **more)
    assert ours.json["code"] in {"bad_request", "headers_too_large", "too_many_bytes"}
