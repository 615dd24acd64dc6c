"""Signing up, in and out, as a browser does it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

SIGN_IN, SIGN_UP, SIGN_OUT = "/account/login/", "/account/signup/", "/account/logout/"


def sign_in(client: Client, email: str = "ada@example.org", password: str = PASSWORD, **more: str) -> Any:
    return client.post(SIGN_IN, {"login": email, "password": password, **more})


def sign_up(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(SIGN_UP, {"email": email, "password1": password, "password2": password, **more})


def who(client: Client) -> int | None:
    key = client.session.get("_auth_user_id")
    return int(key) if key else None


def test_signing_in_and_out(client: Client, user: User) -> None:
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert who(client) == user.pk

    asked = client.get(SIGN_OUT)
    assert asked.status_code == 200
    assert who(client) == user.pk, "a link of another site signs nobody out"
    client.post(SIGN_OUT)
    assert who(client) is None
    assert client.get("/jobs/")["Location"] == f"{SIGN_IN}?next=/jobs/"


def test_signing_out_clears_the_browser_cache(client: Client, user: User) -> None:
    """The browser caches thumbnails for a day, and the next person at this machine may be another one."""
    sign_in(client)
    assert client.post(SIGN_OUT)["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in client.get(SIGN_IN).headers


@pytest.mark.parametrize("email", ["ADA@example.org", " ada@example.org "])
def test_the_sign_in_address_ignores_case(client: Client, user: User, email: str) -> None:
    sign_in(client, email)
    assert who(client) == user.pk


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.org", "wrong"), ("nobody@example.org", PASSWORD), ("ada@example.org", "")],
)
def test_a_failed_sign_in_does_not_say_what_was_wrong(
    client: Client, user: User, email: str, password: str
) -> None:
    response = sign_in(client, email, password)
    assert response.status_code == 200
    assert who(client) is None
    if password:
        assert response.context["form"].non_field_errors() == [
            "The email address and/or password you specified are not correct."
        ]


def test_a_closed_account_cannot_sign_in(client: Client, user: User) -> None:
    User.objects.update(is_active=False)
    sign_in(client)
    assert who(client) is None


def test_password_guessing_is_rate_limited(client: Client, user: User) -> None:
    for _ in range(5):
        sign_in(client, password="wrong")
    response = sign_in(client)
    assert who(client) is None
    assert "Too many failed login attempts" in response.content.decode()


def test_signing_in_changes_the_session_key(client: Client, user: User) -> None:
    """Prevents session fixation."""
    client.get(SIGN_IN)
    client.session.save()
    client.cookies["sessionid"] = planted = client.session.session_key
    sign_in(client)
    assert who(client) == user.pk
    assert client.cookies["sessionid"].value != planted
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/jobs/").status_code == 302


def test_a_signed_out_session_is_invalid(client: Client, user: User) -> None:
    sign_in(client)
    kept = client.cookies["sessionid"].value
    client.post(SIGN_OUT)
    client.cookies["sessionid"] = kept
    assert client.get("/jobs/").status_code == 302


def test_the_session_cookie_is_http_only_and_same_site(client: Client, user: User) -> None:
    cookie = sign_in(client).cookies["sessionid"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "http:evil.example",
        "https:///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://testserver@evil.example/",
        "\t//evil.example",
    ],
)
def test_no_redirect_leads_to_another_site(client: Client, user: User, address: str) -> None:
    assert sign_in(client, next=address)["Location"] == "/"
    assert client.post(SIGN_OUT, {"next": address})["Location"] == "/"


def test_sign_in_redirects_to_the_requested_page(client: Client, user: User) -> None:
    assert sign_in(client, next="/jobs/?older=x")["Location"] == "/jobs/?older=x"


def test_an_unknown_host_gets_no_page_and_no_email(client: Client, user: User) -> None:
    """A reset e-mail must never contain an address that the sender of the request chose."""
    response = client.post(
        "/account/password/reset/", {"email": user.email}, headers={"Host": "evil.example"}
    )
    assert response.status_code == 400
    assert mail.outbox == []
    client.post(
        "/account/password/reset/", {"email": user.email}, headers={"X-Forwarded-Host": "evil.example"}
    )
    assert len(mail.outbox) == 1
    assert "evil.example" not in mail.outbox[0].body
    assert re.search(r"http://testserver/account/password/reset/key/\S+/", str(mail.outbox[0].body))


def test_signing_up_without_confirmation_signs_in(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    assert client.get(SIGN_UP).status_code == 200
    response = sign_up(client, "New.Person@Example.org")
    assert (response.status_code, response["Location"]) == (302, "/")
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("new.person@example.org", False, False)
    assert who(client) == user.pk


def test_nobody_signs_up_as_staff(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    sign_up(client, "new@example.org", is_staff="on", is_superuser="1", is_active="0")
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)


@pytest.mark.parametrize("password", ["short", "12345678901", "password1234", "new.person@example.org"])
def test_a_weak_password_creates_no_account(client: Client, password: str) -> None:
    assert sign_up(client, "new.person@example.org", password).status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG"])
def test_a_taken_address_creates_no_second_account(client: Client, user: User, email: str) -> None:
    sign_up(client, email)
    assert User.objects.get().check_password(PASSWORD)


def test_closed_sign_up_creates_no_account(client: Client, settings: Settings) -> None:
    settings.SIGN_UP = "closed"
    page = client.get(SIGN_UP)
    assert page.status_code == 200
    assert b"password1" not in page.content
    sign_up(client, "new@example.org")
    assert not User.objects.exists()
    assert who(client) is None


@pytest.mark.parametrize("address", [SIGN_IN, SIGN_UP, SIGN_OUT, "/account/password/reset/"])
def test_a_form_of_another_site_is_refused(user: User, address: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user, backend="accounts.backends.AuthenticationBackend")
    assert strict.post(address, {"login": user.email, "password": PASSWORD}).status_code == 403
    assert who(strict) == user.pk


def test_the_admin_uses_the_same_sign_in(client: Client, user: User) -> None:
    response = client.get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response["Location"].startswith(SIGN_IN)
    response = client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert who(client) is None
