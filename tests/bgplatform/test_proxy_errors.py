"""After a wrong proxy set-up the page names what was refused, and the variable to set."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

LOGIN = "/account/login/"


def post(**headers: str) -> Any:
    """Post a form from a page of another origin, with a valid CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.get(LOGIN, headers={name: value for name, value in headers.items() if "Host" in name})
    token = client.cookies["csrftoken"].value
    data = {"csrfmiddlewaretoken": token, "login": "a@example.org", "password": "x"}
    return client.post(LOGIN, data, headers=headers)


def sentence(response: Any) -> str:
    assert response.status_code == 403
    return response.content.decode().partition("If you run this site: ")[2].partition("</p>")[0]


def test_an_untrusted_proxy_suggests_behind_proxy() -> None:
    refused = post(**{"Origin": "https://cut.example.org", "X-Forwarded-Proto": "https", "Host": "localhost"})
    assert sentence(refused) == (
        "The origin https://cut.example.org was refused: "
        "the site assumes that its own origin is http://localhost. "
        "A proxy stands in front of it: set BEHIND_PROXY=true (see docs/proxy.md)."
    )


def test_a_proxy_without_forwarded_proto_is_named(settings: Any) -> None:
    settings.BEHIND_PROXY = settings.USE_X_FORWARDED_HOST = True
    settings.ALLOWED_HOSTS = ["cut.example.org"]
    refused = post(**{"Origin": "https://cut.example.org", "X-Forwarded-Host": "cut.example.org"})
    assert "X-Forwarded-Proto: https (see docs/proxy.md)" in sentence(refused)


def test_a_rewritten_host_suggests_trusted_origins() -> None:
    refused = post(Origin="https://cut.example.org:8443", Host="localhost")
    assert sentence(refused).endswith(
        "Pass the browser&#x27;s Host on (see docs/proxy.md), or set CSRF_TRUSTED_ORIGINS=https://cut.example.org:8443."
    )


def test_untrusted_input_is_escaped() -> None:
    refused = post(Origin='https://"><script>alert(1)</script>', Host="localhost")
    assert b"<script>alert" not in refused.content


def test_scripts_get_the_same_sentence_as_json() -> None:
    refused = post(Origin="https://cut.example.org", Accept="application/json", Host="localhost")
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_refused")
    assert "CSRF_TRUSTED_ORIGINS=https://cut.example.org" in refused.json()["sentence"]


def test_cookies_that_never_come_back_over_http_are_explained(settings: Any) -> None:
    settings.HTTPS = True
    client = Client(enforce_csrf_checks=True)
    refused = client.post(LOGIN, {"login": "a@example.org"})
    assert "set HTTPS=false" in sentence(refused)


@pytest.mark.parametrize("origin", [None, "null", "http://testserver"])
def test_a_stale_form_gets_no_proxy_advice(origin: str | None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(LOGIN)
    headers = {"Origin": origin} if origin else {}
    refused = client.post(LOGIN, {"login": "a@example.org"}, headers=headers)
    assert refused.status_code == 403
    assert b"This form has expired" in refused.content
    assert b"If you run this site" not in refused.content


def test_an_unknown_host_is_named_with_its_variable(settings: Any) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["cut.example.org"]
    refused = Client(raise_request_exception=False).get("/", headers={"Host": "other.example.org:81"})
    assert refused.status_code == 400
    assert b"the host other.example.org:81 was refused. Add its name to ALLOWED_HOSTS." in refused.content
