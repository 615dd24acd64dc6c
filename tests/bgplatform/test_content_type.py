"""An unreadable Content-Type is refused with an explanation at every address."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from accounts.services import tokens
from bgplatform.content_type import REFUSAL
from tests.jobs.compat.conftest import ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

BODY = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nabc\r\n--x--\r\n'
WRONG = [
    "text/plain; charset=nonsense",
    "application/json; charset=nonsense",
    "application/json; charset*=nope''x",
    "application/x-www-form-urlencoded; charset=hex",
    "multipart/form-data; boundary=x; charset=nonsense",
    "multipart/form-data; boundary=x; charset=idna",
    "multipart/form-data; boundary=x; charset=punycode",
    "multipart/form-data; boundary*=nope''x",
]
PAGES = [
    ("GET", "/"),
    ("POST", "/jobs/"),
    ("POST", "/account/login/"),
    ("POST", "/admin/login/"),
    ("POST", "/uploads/"),
    ("POST", "/uploads/00000000-0000-4000-8000-000000000000/body/"),
    ("GET", "/healthz"),
    ("GET", "/nothing"),
]
CALLS = [
    ("GET", "/api/v1/jobs/"),
    ("POST", "/api/v1/jobs/"),
    ("POST", "/api/v1/uploads/"),
    ("POST", "/api/v1/uploads/00000000-0000-4000-8000-000000000000/body/"),
    ("GET", "/api/schema/"),
]


async def secret_of(user: User) -> str:
    _, secret = await sync_to_async(tokens.create)(user, "a program", ["read", "submit"])
    return secret


@pytest.mark.parametrize("kind", WRONG)
async def test_api_clients_get_the_apis_format(kind: str, user: User) -> None:
    secret = await secret_of(user)
    said = {"Content-Type": kind, "Content-Length": str(len(BODY)), "Authorization": f"Token {secret}"}
    for method, path in CALLS:
        answer = await ask(method, path, BODY, said)
        assert (answer.status, answer.json) == (400, REFUSAL), path


@pytest.mark.parametrize("kind", WRONG)
async def test_browsers_get_an_html_page(kind: str) -> None:
    # With a CSRF cookie Django would read the form itself.
    said = {"Content-Type": kind, "Content-Length": str(len(BODY)), "Cookie": f"csrftoken={'x' * 32}"}
    for method, path in PAGES:
        answer = await ask(method, path, BODY, said)
        assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8"), path
        assert b"The request could not be read" in answer.content
        # The response passed all middleware and has the usual headers.
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_pages_scripts_get_json() -> None:
    said = {"Content-Type": WRONG[0], "Accept": "application/json"}
    answer = await ask("POST", "/uploads/", BODY, said)
    assert (answer.status, answer.json) == (400, REFUSAL)


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii", "iso-8859-1", "utf-16", ""])
async def test_a_readable_content_type_passes(charset: str, user: User) -> None:
    secret = await secret_of(user)
    said = {"Content-Type": f"application/json; charset={charset}", "Authorization": f"Token {secret}"}
    body = b'{"name": "a.png", "size": 4}'
    answer = await ask("POST", "/api/v1/uploads/", body, {**said, "Content-Length": str(len(body))})
    assert answer.status == 201
