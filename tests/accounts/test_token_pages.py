"""The tokens page: create, rotate and revoke in a browser without JavaScript."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.errors import TokenRefusedError
from accounts.models import ApiToken, User
from accounts.services import tokens

pytestmark = pytest.mark.django_db
PAGE = "/account/tokens/"
SECRET = re.compile(r"bgp_[A-Za-z0-9_-]{43}")


@pytest.fixture
def browser(user: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(user)


def words(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_a_token_is_created_and_its_secret_shown_once(browser: Client, user: User) -> None:
    answer = browser.post(PAGE, {"name": "My <script>", "scopes": ["read", "delete"], "days": "30"})
    assert answer.status_code == 200
    secrets = set(SECRET.findall(answer.content.decode()))
    assert len(secrets) == 1
    token = tokens.authenticate(secrets.pop(), "192.0.2.7")
    assert (token.user, token.name, token.scopes) == (user, "My <script>", ["read", "delete"])
    assert token.expiry is not None
    assert (token.expiry - token.created).days in {29, 30}
    assert "My &lt;script&gt;" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    later = browser.get(PAGE)
    assert not SECRET.search(later.content.decode())
    assert token.prefix in words(later)
    assert token.digest not in words(later) + words(answer)
    assert "no-store" in later["Cache-Control"]


def test_every_field_of_the_form(browser: Client) -> None:
    data = {
        "name": "all",
        "scopes": ["submit"],
        "days": "",
        "allowed_addresses": "192.0.2.0/24\r\n2001:db8::7\r\n",
        "preview_means_full": "on",
        "ephemeral": "on",
    }
    assert browser.post(PAGE, data).status_code == 200
    token = ApiToken.objects.get()
    assert (token.expiry, token.preview_means_full, token.ephemeral) == (None, True, True)
    assert token.allowed_addresses == ["192.0.2.0/24", "2001:db8::7"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 65}, "at most 64 characters"),
        ({"scopes": []}, "Choose at least one thing that the token may do."),
        ({"scopes": ["admin"]}, "Select a valid choice"),
        ({"days": "1000000"}, "Select a valid choice"),
        ({"allowed_addresses": "at home"}, "Write each address as 192.0.2.7"),
    ],
)
def test_errors_are_shown_beside_their_field(browser: Client, change: dict[str, Any], sentence: str) -> None:
    answer = browser.post(PAGE, {"name": "kept name", "scopes": ["read"], "days": "30", **change})
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert "name" in change or 'value="kept name"' in words(answer)
    assert not ApiToken.objects.exists()


def test_rotating_shows_a_new_secret_and_invalidates_the_old_one(browser: Client, user: User) -> None:
    token, old = tokens.create(user, "script", ["read"])
    answer = browser.post(reverse("accounts:token_rotate", args=[token.pk]))
    (new,) = set(SECRET.findall(answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    assert tokens.authenticate(new, "").pk == token.pk
    with pytest.raises(TokenRefusedError):
        tokens.authenticate(old, "")


def test_revoking_ends_it_and_lists_it_below(browser: Client, user: User) -> None:
    token, secret = tokens.create(user, "script", ["read"])
    answer = browser.post(reverse("accounts:token_revoke", args=[token.pk]), follow=True)
    assert "“script” is revoked" in words(answer)
    assert "Recently revoked" in words(answer)
    assert "Rotate" not in words(answer)
    with pytest.raises(TokenRefusedError):
        tokens.authenticate(secret, "")
    again = browser.post(reverse("accounts:token_rotate", args=[token.pk]), follow=True)
    assert "This token was revoked." in words(again)
    assert not SECRET.search(again.content.decode())


@pytest.mark.parametrize("name", ["token_rotate", "token_revoke"])
def test_another_users_token_is_not_found(browser: Client, stranger: User, name: str, client: Client) -> None:
    token, secret = tokens.create(stranger, "theirs", ["read"])
    address = reverse(f"accounts:{name}", args=[token.pk])
    assert browser.post(address).status_code == 404
    assert browser.get(address).status_code == 405
    assert browser.post(reverse(f"accounts:{name}", args=[10**12])).status_code == 404
    assert client.post(address)["Location"].startswith("/account/login/")
    assert "theirs" not in words(browser.get(PAGE))
    assert tokens.authenticate(secret, "").pk == token.pk


def test_visitors_are_asked_to_sign_in(client: Client) -> None:
    for address in (PAGE, "/account/usage/"):
        assert client.get(address)["Location"] == f"/account/login/?next={address}"


def test_a_form_without_a_csrf_token_is_refused(user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user, backend="accounts.backends.AuthenticationBackend")
    assert strict.post(PAGE, {"name": "x", "scopes": ["read"]}).status_code == 403
    assert not ApiToken.objects.exists()


def test_the_page_needs_a_constant_number_of_queries(
    browser: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        token, _ = tokens.create(user, f"script {number}", ["read"])
        if number % 2:
            tokens.revoke(token)
    with django_assert_max_num_queries(4):
        browser.get(PAGE)


def test_the_account_pages_link_to_the_tokens(browser: Client) -> None:
    page = words(browser.get("/account/email/"))
    assert 'href="/account/tokens/"' in page
    assert 'href="/account/usage/"' in page


def test_the_page_links_to_the_api_docs_and_back(browser: Client) -> None:
    assert 'href="/api/docs/"' in words(browser.get(PAGE))
    assert 'href="/"' in words(browser.get("/api/docs/"))
