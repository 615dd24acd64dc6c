"""Security headers on every kind of response, and the Content Security Policy of pages, admin and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.conf import settings as site
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from bgplatform.security_headers import HEADERS
from jobs.serving import FILE_POLICY
from tests.conftest import make_job
from tests.jobs.factories import complete, pictures_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
EVERYWHERE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SIGN_IN = Callable[[User], Client]
PAGE: Final = (
    "base-uri 'none'; connect-src 'self'; default-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' blob: data:; object-src 'none'; script-src 'self'; style-src 'self'"
)
ADMIN: Final = (
    PAGE.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'") + "; style-src-attr 'unsafe-inline'"
)


def policy_of(answer: Any) -> str:
    """Returns the policy with its directives in order."""
    return "; ".join(sorted(part.strip() for part in answer["Content-Security-Policy"].split(";")))


@pytest.fixture
def answers(user: User, client_of: SIGN_IN, make_user: Callable[..., User]) -> dict[str, Any]:
    """An answer of each kind."""
    picture = pictures_of(make_job(user, 2))[0]
    complete(picture)
    client, staff = client_of(user), client_of(make_user(is_staff=True, is_superuser=True))
    return {
        "page": Client().get("/account/login/"),
        "private page": client.get("/jobs/"),
        "redirect": Client().get("/jobs/"),
        "no such page": client.get("/nowhere/"),
        "wrong method": client.put("/account/login/"),
        "forged form": Client(enforce_csrf_checks=True).post("/account/login/"),
        "API": client.get("/api/v1/account/"),
        "API without a token": Client().get("/api/v1/account/"),
        "no such API": Client().get("/api/v1/nowhere/"),
        "compatible API": Client().post("/v1.0/removebg"),
        "health": Client().get("/healthz"),
        "static file": Client().get("/static/css/base.css"),
        "admin": staff.get("/admin/"),
        "result": client.get(reverse("jobs:result", args=[picture.pk])),
        "shown result": client.get(reverse("jobs:result", args=[picture.pk]), {"inline": ""}),
        "source": client.get(reverse("jobs:source", args=[picture.pk])),
        "thumbnail": client.get(reverse("jobs:thumb", args=[picture.pk])),
        "archive": client.get(reverse("jobs:zip", args=[picture.job_id])),
    }


FILES: Final = {"result", "shown result", "source", "thumbnail", "archive"}


def test_every_kind_of_response_has_the_headers(answers: dict[str, Any]) -> None:
    for kind, answer in answers.items():
        found = {name: answer.headers.get(name) for name in EVERYWHERE}
        assert found == EVERYWHERE, kind
        assert answer["Permissions-Policy"] == HEADERS["Permissions-Policy"], kind
        assert "camera=()" in answer["Permissions-Policy"]
        assert "Server" not in answer, kind
        assert "X-Powered-By" not in answer, kind
        if kind != "static file":
            assert answer["X-Frame-Options"] == "DENY", kind
            assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], kind


def test_the_content_policy_of_each_kind(answers: dict[str, Any]) -> None:
    for kind, answer in answers.items():
        if kind in FILES:
            assert answer["Content-Security-Policy"] == FILE_POLICY, kind
        elif kind != "static file":
            assert policy_of(answer) == (ADMIN if kind == "admin" else PAGE), kind


def test_the_admin_has_no_inline_style_element_and_no_inline_script(answers: dict[str, Any]) -> None:
    page = answers["admin"].content.decode()
    assert "<style" not in page
    assert "<script>" not in page
    assert '"allowEval": false' in page


def test_a_failing_page_has_the_headers(
    client_of: SIGN_IN, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("jobs.views.files.thumbnails.thumb_of", fail)
    picture = pictures_of(make_job(user))[0]
    client = client_of(user)
    client.raise_request_exception = False
    answer = client.get(reverse("jobs:thumb", args=[picture.pk]))
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert policy_of(answer) == PAGE


def test_with_https_browsers_are_told_to_stay_there(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    assert Client().get("/account/login/", secure=True)["Strict-Transport-Security"] == "max-age=31536000"
    moved = Client().get("/account/login/")
    assert (moved.status_code, moved["Location"]) == (301, "https://testserver/account/login/")


def test_without_https_they_are_not() -> None:
    assert site.SECURE_HSTS_SECONDS == 0
    assert "Strict-Transport-Security" not in Client().get("/account/login/", secure=True)


def test_trace_is_refused() -> None:
    """TRACE would send a request's cookies back in the body."""
    answer = Client().generic("TRACE", "/account/login/", HTTP_X_SECRET="secret")
    assert answer.status_code == 405
    assert b"secret" not in answer.content
