"""A site below a path of its host: what each layer sees, and the resulting settings."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from bgplatform.prefix import check_prefix, restore_prefix, strip_prefix
from tests.bgplatform.test_settings import read  # noqa: F401  # a fixture

CASES = [
    # what the server gets, what our own code sees, what Django gets
    ("/cutouts/jobs/", "/jobs/", "/cutouts/jobs/"),
    ("/cutouts/", "/", "/cutouts/"),
    ("/healthz", "/healthz", "/cutouts/healthz"),
    ("/jobs/", "/jobs/", "/cutouts/jobs/"),
    ("/cutouts/cutouts/", "/cutouts/", "/cutouts/cutouts/"),
    ("/cutoutsandmore/", "/cutoutsandmore/", "/cutouts/cutoutsandmore/"),
    ("/cutouts/v1.0/removebg", "/v1.0/removebg", "/cutouts/v1.0/removebg"),
]


def through(path: str, prefix: str = "/cutouts", query: bytes = b"") -> tuple[list[str], list[Any]]:
    """Returns the paths that our code and Django see, and what was answered before them."""
    seen: list[str] = []
    sent: list[Any] = []

    async def django(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])

    site = restore_prefix(django, prefix)

    async def ours(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await site(scope, receive, send)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "query_string": query}
    asyncio.run(strip_prefix(ours, prefix)(scope, None, send))  # type: ignore[arg-type]
    return seen, sent


@pytest.mark.parametrize(("path", "ours", "djangos"), CASES)
def test_our_code_sees_no_prefix_and_django_sees_the_whole_path(path: str, ours: str, djangos: str) -> None:
    assert through(path) == ([ours, djangos], [])


def test_without_a_prefix_nothing_changes() -> None:
    assert through("/cutouts/jobs/", prefix="") == (["/cutouts/jobs/"] * 2, [])


def test_the_bare_prefix_redirects_with_its_query() -> None:
    seen, (start, _) = through("/cutouts", query=b"a=b")
    assert (seen, start["status"]) == ([], 308)
    assert dict(start["headers"])[b"location"] == b"/cutouts/?a=b"


@pytest.mark.parametrize(
    "wrong", ["cutouts", "/", "/cutouts/", "//a", "/a//b", "/a b", "/..", "/ä", "https://a/b"]
)
def test_a_wrong_prefix_stops_the_start(read: Any, wrong: str) -> None:  # noqa: F811
    with pytest.raises(ImproperlyConfigured, match="PATH_PREFIX cannot be"):
        read(PATH_PREFIX=wrong)


def test_every_url_has_the_prefix(read: Any) -> None:  # noqa: F811
    found = read(PATH_PREFIX="/tools/cut.outs", HTTPS="true")
    assert found["FORCE_SCRIPT_NAME"] == "/tools/cut.outs"
    assert found["STATIC_URL"] == "/tools/cut.outs/static/"
    assert found["SESSION_COOKIE_PATH"] == found["CSRF_COOKIE_PATH"] == "/tools/cut.outs/"
    assert found["SESSION_COOKIE_NAME"] == "sessionid_tools_cut.outs"
    assert found["CSRF_COOKIE_NAME"] == "csrftoken_tools_cut.outs"
    assert found["UNFOLD"]["SITE_URL"] == "/tools/cut.outs/"
    assert found["SPECTACULAR_SETTINGS"]["SERVERS"] == [{"url": "/tools/cut.outs"}]
    assert sorted(found["SECURE_REDIRECT_EXEMPT"]) == [
        r"^tools/cut\.outs/healthz$",
        r"^tools/cut\.outs/metrics$",
        r"^tools/cut\.outs/readyz$",
    ]


def test_settings_without_a_prefix(read: Any) -> None:  # noqa: F811
    found = read()
    assert found["FORCE_SCRIPT_NAME"] is None
    assert (found["STATIC_URL"], found["SESSION_COOKIE_PATH"]) == ("/static/", "/")
    assert (found["SESSION_COOKIE_NAME"], found["CSRF_COOKIE_NAME"]) == ("sessionid", "csrftoken")
    assert "SERVERS" not in found["SPECTACULAR_SETTINGS"]
    assert sorted(found["SECURE_REDIRECT_EXEMPT"]) == [r"^healthz$", r"^metrics$", r"^readyz$"]


@pytest.mark.parametrize("prefix", ["/jobs", "/api/cut", "/v1.0", "/static", "/healthz", "/pictures"])
def test_a_prefix_that_equals_an_own_path_is_refused(settings: Any, prefix: str) -> None:
    settings.PATH_PREFIX = prefix
    (error,) = check_prefix(None)
    assert error.msg.startswith(f"PATH_PREFIX cannot begin with /{prefix.split('/')[1]}: ")


@pytest.mark.parametrize("prefix", ["", "/cutouts", "/tools/jobs", "/job"])
def test_any_other_prefix_is_accepted(settings: Any, prefix: str) -> None:
    settings.PATH_PREFIX = prefix
    assert check_prefix(None) == []
