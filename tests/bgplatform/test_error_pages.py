"""Responses to server errors."""

from __future__ import annotations

import json

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A site whose sign-in checks all raise, and a client that returns the response."""

    def breaks(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("accounts.authentication.TokenAuthentication.authenticate", breaks)
    monkeypatch.setattr("jobs.views.jobs.selectors.history", breaks)
    return Client(raise_request_exception=False)


def test_api_clients_get_the_usual_error_format(broken: Client) -> None:
    response = broken.get("/api/v1/jobs/", headers={"Authorization": "Token x"})
    assert (response.status_code, response["Content-Type"]) == (500, "application/json")
    said = json.loads(response.content)
    assert said["code"] == "internal_error"
    assert said["errors"] == [{key: said[key] for key in ("code", "sentence", "field")}]
    assert "a fault of ours" not in response.content.decode()


def test_browsers_get_an_html_page(broken: Client, user: object) -> None:
    broken.force_login(user, backend="accounts.backends.AuthenticationBackend")  # type: ignore[arg-type]
    response = broken.get("/")
    assert (response.status_code, response["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "a fault of ours" not in response.content.decode()


@pytest.mark.parametrize(
    "address", ["/account/tokens/1/rotate/", "/jobs/00000000-0000-4000-8000-000000000000/cancel/"]
)
def test_a_get_of_a_post_only_address_is_an_explanatory_page(user: object, address: str) -> None:
    client = Client()
    client.force_login(user, backend="accounts.backends.AuthenticationBackend")  # type: ignore[arg-type]
    page = client.get(address, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert "This address cannot be opened directly" in page.content.decode()
    # Servers refuse to send more than Content-Length, and close the connection.
    assert page["Content-Length"] == str(len(page.content))
    script = client.get(address, headers={"Accept": "application/json"})
    assert (script.status_code, script.content, script["Content-Length"]) == (405, b"", "0")
