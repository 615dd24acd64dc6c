"""A full disk for temporary files is a 503 with a sentence at every entry point, not a 500."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import User
from jobs.models import Job, Upload
from tests.jobs.api.program import Program
from tests.jobs.compat.conftest import ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
LARGE = b"x" * (2 * 2**20)
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
SENTENCE = "This site has no room for more files at the moment."


@contextmanager
def full_temporary_folder() -> Iterator[None]:
    """In this block no temporary file can be created."""
    with (
        patch("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", side_effect=FULL),
        patch("tempfile.SpooledTemporaryFile.rollover", side_effect=FULL),
    ):
        yield


@pytest.fixture
def cookies(user: User, client_of: Callable[[User], Client]) -> str:
    """Returns the cookies of a browser in which Ada is signed in."""
    return f"sessionid={client_of(user).cookies['sessionid'].value}; csrftoken={'t' * 32}"


async def test_a_form_read_by_a_middleware(cookies: str) -> None:
    form = {"csrfmiddlewaretoken": "t" * 32, "pictures": [ContentFile(LARGE, "a.png")]}
    headers = {"Cookie": cookies, "Content-Type": MULTIPART_CONTENT, "Accept": "text/html"}
    body = encode_multipart(BOUNDARY, form)
    with patch("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", side_effect=FULL):
        answer = await ask("POST", "/jobs/", body, headers)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert SENTENCE in answer.content.decode()
    assert not await Job.objects.aexists()


def test_a_form_read_by_the_api(user: User) -> None:
    program = Program(user)
    begun = program.post("uploads/", {"name": "a.png", "size": len(LARGE)}).json()
    with full_temporary_folder():
        answer = program.form(begun["target"]["url"], {"file": LARGE})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "store_full", "30")
    assert Upload.objects.get().state == "started"


@pytest.mark.parametrize(
    ("path", "code"),
    [("/account/login/", "store_full"), ("/v1.0/removebg", "unavailable")],
)
async def test_an_unread_body(path: str, code: str) -> None:
    body = b"x" * (3 * 2**20)
    with full_temporary_folder(), patch("bgplatform.asgi.large_bodies.small", 2**30):
        answer = await ask("POST", path, body, {"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status == 503
    first = answer.json["errors"][0]
    assert first["code"] == code
    assert SENTENCE in (first.get("sentence") or first["detail"])
