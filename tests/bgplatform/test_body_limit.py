"""One request cannot fill the disk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application

from bgplatform import asgi
from bgplatform.body_limit import HEADERS_REFUSAL, REFUSAL, BodyLimit


def scope_of(**headers: str) -> dict[str, Any]:
    given = {"host": "localhost", "content-type": "application/octet-stream", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/healthz",
        "raw_path": b"/healthz",
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }


async def answer(communicator: ApplicationCommunicator) -> tuple[int, bytes]:
    start = await communicator.receive_output(timeout=60)
    assert start["type"] == "http.response.start"
    body = await communicator.receive_output(timeout=60)
    return start["status"], body["body"]


@pytest.fixture
def site() -> BodyLimit:
    return BodyLimit(get_asgi_application(), 1000)


async def test_a_small_body_passes(site: BodyLimit) -> None:
    communicator = ApplicationCommunicator(site, scope_of(content_length="1000"))
    await communicator.send_input({"type": "http.request", "body": b"x" * 1000, "more_body": False})
    status, _ = await answer(communicator)
    assert status == 403, "Django's answer to a form without a token"


@pytest.mark.parametrize("length", ["1001", "9" * 19, "9" * 5000])
async def test_a_declared_too_large_body_is_not_read(site: BodyLimit, length: str) -> None:
    communicator = ApplicationCommunicator(site, scope_of(content_length=length))
    status, body = await answer(communicator)
    assert (status, json.loads(body)) == (413, REFUSAL)


async def test_a_body_that_exceeds_the_limit_is_cut_off(site: BodyLimit) -> None:
    """Chunked bodies declare no length, and a declared length may be wrong."""
    communicator = ApplicationCommunicator(site, scope_of(transfer_encoding="chunked"))
    for _ in range(3):
        await communicator.send_input({"type": "http.request", "body": b"x" * 400, "more_body": True})
    status, body = await answer(communicator)
    assert (status, json.loads(body)) == (413, REFUSAL)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "a/b" + "; a=b" * 300},
        {"accept": "a/b," * 300},
        {f"x-{number}": "x" * 2000 for number in range(40)},
    ],
)
async def test_headers_that_are_too_long_are_not_parsed(site: BodyLimit, headers: dict[str, str]) -> None:
    status, body = await answer(ApplicationCommunicator(site, scope_of(**headers)))
    assert (status, json.loads(body)) == (431, HEADERS_REFUSAL)


async def test_headers_of_one_name_count_together(site: BodyLimit) -> None:
    scope = scope_of()
    scope["headers"] += [(b"content-type", b"a/b; a=b" * 50)] * 3
    assert (await answer(ApplicationCommunicator(site, scope)))[0] == 431


def test_a_refusal_has_the_apis_format() -> None:
    first = {"code": "headers_too_large", "sentence": HEADERS_REFUSAL["sentence"], "field": None}
    assert {**first, "errors": [first]} == HEADERS_REFUSAL


async def test_other_asgi_events_pass() -> None:
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await BodyLimit(application, 1)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_the_site_has_the_limit(settings: Any) -> None:
    assert isinstance(asgi.application, BodyLimit)
    assert asgi.application.most == settings.MAX_REQUEST_BYTES == 2**30
