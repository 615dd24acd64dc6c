"""Malformed bodies and other client errors: one error format, and never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Storage
from jobs import storage
from jobs.models import Upload
from tests.conftest import make_picture
from tests.jobs.api.program import Program

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "required"),
        (b"no json", 400, "bad_request"),
        (b"\xff\xfe\xfd", 400, "bad_request"),
        (b'{"name": "\xff", "size": 1}', 400, "bad_request"),
        (b'{"name": "\\ud800", "size": 1}', 400, "bad_request"),
        (b'{"name": "a\\u0000b", "size": 1}', 422, "nul_character"),
        (b'{"\\u0000": 1}', 422, "nul_character"),
        (b'{"name": "a", "size": NaN}', 400, "bad_request"),
        (b'{"name": "a", "size": Infinity}', 400, "bad_request"),
        (b'{"name": "a", "size": 1e999}', 422, "invalid"),
        (b'{"name": "a", "size": ' + b"9" * 5000 + b"}", 400, "bad_request"),
        (b'{"name": "a", "size": ' + b"9" * 4000 + b"}", 422, "max_value"),
        (b"[]", 400, "bad_request"),
        (b"7", 400, "bad_request"),
        (b"null", 400, "bad_request"),
        (b"[" * 100_000, 400, "bad_request"),
        (b'{"name": ' + b"[" * 100_000, 400, "bad_request"),
        # Shallow enough for the parser, which needs less stack per level than our check.
        (b'{"a":' * 500 + b'"\\u0000"' + b"}" * 500, 400, "bad_request"),
        (b" " * (256 * 2**10 + 1), 413, "too_many_bytes"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_malformed_body(program: Program, body: bytes, status: int, code: str) -> None:
    answer = Client().post(
        "/api/v1/uploads/", body, "application/json", headers={"Authorization": f"Token {program.secret}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/json"
    assert answer.json().keys() == {"code", "sentence", "field", "errors"}


def test_another_media_type(program: Program) -> None:
    answer = Client().post(
        "/api/v1/uploads/", "<x/>", "text/xml", headers={"Authorization": f"Token {program.secret}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_the_accept_header_is_ignored(program: Program) -> None:
    for accepted in ("image/png", "text/html", "nonsense", ""):
        answer = program.get("presets/", Accept=accepted)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_errors_do_not_repeat_long_values(program: Program) -> None:
    body = {"uploads": ["x" * 80_000], "recipe": {"background": "y" * 80_000}, "z" * 80_000: 1}
    refused = program.post("jobs/", body)
    assert refused.status_code == 422
    assert len(refused.content) < 10_000
    many = program.post("uploads/", {f"field-{n}": n for n in range(10_000)})
    assert (many.status_code, len(many.json()["errors"])) == (422, 50)


def test_an_unavailable_store(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    said: Any = program.post("uploads/", {"name": "a.png", "size": 9}).json()

    def away(*_: object) -> None:
        raise storage.StoreUnavailableError("it does not answer")

    monkeypatch.setattr(storage, "write", away)
    answer = program.form(said["target"]["url"], {"file": b"x"})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        503,
        "store_away",
        "30",
    )


def test_a_store_failure_between_two_files_releases_the_quota(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = storage.write
    there = iter([True, False])

    def soon_away(*what: Any) -> None:
        if not next(there):
            raise storage.StoreUnavailableError("it does not answer")
        write(*what)

    monkeypatch.setattr(storage, "write", soon_away)
    answer = program.form("jobs/", {"pictures": [make_picture(), make_picture(seed=1)]})
    assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
    assert not Upload.objects.exists()
    assert Storage.objects.get().bytes == 0


def test_invalid_tokens() -> None:
    for secret in ("", "x", "bgp_" + "x" * 43, "ü", "\0"):
        for header in ("Token ", "Bearer "):
            answer = Client().get("/api/v1/jobs/", headers={"Authorization": header + secret})
            assert answer.status_code == 401, secret
            assert answer["WWW-Authenticate"] == "Token"
            json.loads(answer.content)
