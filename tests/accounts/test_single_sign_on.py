"""Single sign-on with a real OpenID provider, over HTTP: who gets which account, and who gets none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditAction, AuditEntry, Invitation, User
from accounts.services import single_sign_on
from accounts.services.single_sign_on import AnswerInvalidError, Identity
from bgplatform import oidc
from tests import identity_provider
from tests.conftest import PASSWORD
from tests.identity_provider import CLIENT, SECRET, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
BEGIN, CALLBACK = "/account/oidc/sso/login/", "/account/oidc/sso/login/callback/"
CONNECTIONS, ADDRESS = "/account/3rdparty/", "/account/3rdparty/signup/"
ADA = "ada@example.org"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    """A provider for the tests of this file."""
    with Provider(f"http://testserver{CALLBACK}") as provider:
        yield provider


@pytest.fixture
def provider(running: Provider, settings: Settings) -> Provider:
    """The site's settings name the provider."""
    settings.OIDC_ISSUER, settings.OIDC_NAME, settings.OIDC_SIGN_UP = running.issuer, "Example Corp", "open"
    settings.SOCIALACCOUNT_PROVIDERS = oidc.providers("sso", running.issuer, CLIENT, SECRET, "Example Corp")
    return running


def leave(client: Client, **fields: str) -> str:
    """Presses the button. Returns the provider's address that the browser is sent to."""
    page = client.post(BEGIN, fields)
    assert page.status_code == 200
    found = re.findall(r'content="0; url=([^"]+)"', page.content.decode())
    assert len(found) == 1
    return str(found[0]).replace("&amp;", "&")


def agree(address: str, name: str) -> str:
    """Signs in at the provider as its person. Returns the path with which the browser comes back."""
    browser = requests.Session()
    page = browser.get(address, timeout=30)
    for field, value in (("login", name), ("password", identity_provider.PASSWORD)):
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[0]
        page = browser.post(page.url, {"csrf_token": token, field: value}, allow_redirects=False, timeout=30)
        while page.is_redirect:
            where = requests.compat.urljoin(page.url, page.headers["Location"])
            if where.startswith("http://testserver/"):
                return where.removeprefix("http://testserver")
            page = browser.get(where, allow_redirects=False, timeout=30)
    raise AssertionError(f"not sent back: {page.status_code} {page.url} {page.text[:2000]}")


def sign_on(client: Client, name: str, **fields: str) -> Any:
    """The whole way. Returns the site's answer."""
    return client.get(agree(leave(client, **fields), name))


def who(client: Client) -> str:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).email if key else ""


def told() -> list[tuple[str, int | None]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "subject"))


def test_a_new_person_gets_an_account_and_the_next_sign_in_finds_it(provider: Provider) -> None:
    client = Client()
    assert b"Sign in with Example Corp" in client.get("/account/login/").content
    answer = sign_on(client, "bea", next="/jobs/")
    assert (answer.status_code, answer["Location"], who(client)) == (302, "/jobs/", "bea@example.org")
    user = User.objects.get()
    assert (user.name, user.has_usable_password()) == ("Bea Bright", False)
    rows = EmailAddress.objects.values_list("user", "email", "verified", "primary")
    assert list(rows) == [(user.pk, "bea@example.org", True, True)]
    row = SocialAccount.objects.get()
    assert (row.user, row.provider, row.extra_data) == (user, "sso", {"email": "bea@example.org"})
    assert told() == [("signed_up", user.pk), ("single_sign_on_added", user.pk), ("signed_in", user.pk)]
    assert mail.outbox == []

    User.objects.update(email="moved@example.org")
    again = Client()
    sign_on(again, "bea")
    assert who(again) == "moved@example.org", "found by the subject, not by the address"
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_verified_address_connects_to_its_account_and_tells_the_owner(
    provider: Provider, user: User
) -> None:
    client = Client()
    sign_on(client, "ada")
    assert who(client) == ADA == user.email
    assert (User.objects.count(), SocialAccount.objects.get().user) == (1, user)
    user.refresh_from_db()
    assert user.check_password(PASSWORD), "the password stays"
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([ADA], "[bgplatform] Single sign-on was connected")
    assert [action for action, _ in told()] == ["single_sign_on_added", "signed_in"]


def test_an_unverified_address_takes_nothing_over(provider: Provider, user: User) -> None:
    """Eve entered Ada's address at the provider."""
    eve = Client()
    answer = sign_on(eve, "eve")
    assert (answer.status_code, answer["Location"], who(eve)) == (302, ADDRESS, "")
    assert (SocialAccount.objects.count(), mail.outbox) == (0, [])
    assert ADA.encode() in eve.get(ADDRESS).content, "the address is in the field, to be confirmed"
    assert eve.post(ADDRESS, {"email": ADA})["Location"] == "/account/confirm-email/"
    assert [message.subject for message in mail.outbox] == ["[bgplatform] You already have an account"]
    assert (SocialAccount.objects.count(), User.objects.count(), who(eve)) == (0, 1, "")
    assert "signup/confirm" not in mail.outbox[0].body


def test_an_unverified_address_is_confirmed_by_mail_in_the_same_browser(provider: Provider) -> None:
    eve, elsewhere = Client(), Client()
    sign_on(eve, "eve")
    eve.post(ADDRESS, {"email": "Eve@example.org"})
    link = re.findall(r"http://testserver(/account/signup/confirm/\S+)", mail.outbox[0].body)[0]
    assert b"Choose a password" in elsewhere.get(link).content, "another browser is not connected"
    assert User.objects.count() == 0
    eve.post(link)
    assert who(eve) == "eve@example.org"
    assert SocialAccount.objects.get().user == User.objects.get(email="eve@example.org")
    again = Client()
    sign_on(again, "eve")
    assert who(again) == "eve@example.org"


@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_without_sign_up_strangers_get_no_account(provider: Provider, settings: Settings, mode: str) -> None:
    settings.OIDC_SIGN_UP = mode
    for name, sentence in (("bea", "has no account on this site"), ("eve", "did not confirm your e-mail")):
        client = Client()
        answer = sign_on(client, name)
        assert (answer.status_code, sentence in answer.content.decode(), who(client)) == (403, True, "")
        assert client.get(ADDRESS)["Location"] == "/account/login/"
    assert (User.objects.count(), SocialAccount.objects.count(), mail.outbox) == (0, 0, [])


def test_an_invited_person_gets_an_account(provider: Provider, settings: Settings) -> None:
    settings.OIDC_SIGN_UP = settings.SIGN_UP = "invitation"
    soon = timezone.now() + timedelta(days=1)
    Invitation.objects.create(email="bea@example.org", expires_at=soon)
    client = Client()
    sign_on(client, "bea")
    assert who(client) == "bea@example.org"
    assert (Invitation.objects.get().state, Invitation.objects.get().account) == (
        "accepted",
        User.objects.get(),
    )


def test_with_closed_sign_up_existing_accounts_sign_in(
    provider: Provider, settings: Settings, user: User
) -> None:
    settings.OIDC_SIGN_UP = settings.SIGN_UP = "closed"
    client = Client()
    sign_on(client, "ada")
    assert who(client) == ADA


def test_a_closed_account_is_not_signed_in(provider: Provider, user: User) -> None:
    User.objects.update(is_active=False)
    client = Client()
    assert sign_on(client, "ada")["Location"] == "/account/inactive/"
    assert who(client) == ""


def test_a_suspended_account_is_not_signed_in(provider: Provider, user: User) -> None:
    User.objects.update(suspended_at=timezone.now())
    client = Client()
    assert sign_on(client, "ada").status_code == 403
    assert who(client) == ""


def test_a_second_factor_is_asked_for_all_the_same(provider: Provider, user: User) -> None:
    TOTP.activate(user, "A" * 32)
    client = Client()
    assert sign_on(client, "ada")["Location"] == "/account/2fa/authenticate/"
    assert who(client) == ""


@pytest.mark.django_db(transaction=True)
def test_people_connect_and_disconnect(
    provider: Provider, user: User, client_of: Callable[[User], Client]
) -> None:
    client = Client()
    client.post("/account/login/", {"login": ADA, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert b"Connect Example Corp" in client.get(CONNECTIONS).content
    assert sign_on(client, "bea", process="connect")["Location"] == CONNECTIONS
    row = SocialAccount.objects.get()
    assert (row.user, row.extra_data, who(client)) == (user, {"email": "bea@example.org"}, ADA)
    other = Client()
    sign_on(other, "bea")
    assert who(other) == ADA
    client.post(CONNECTIONS, {"connection": row.pk})
    assert SocialAccount.objects.count() == 0
    assert [message.subject for message in mail.outbox] == [
        "[bgplatform] Single sign-on was connected",
        "[bgplatform] Single sign-on was removed",
    ]
    assert AuditEntry.objects.filter(action=AuditAction.SINGLE_SIGN_ON_REMOVED, subject=user.pk).count() == 1


def test_nobody_removes_the_only_way_in_or_another_accounts(provider: Provider, stranger: User) -> None:
    bea = Client()
    sign_on(bea, "bea")
    row = SocialAccount.objects.get()
    page = bea.post(CONNECTIONS, {"connection": row.pk}, follow=True)
    assert "Set a password first." in page.content.decode()
    eve = Client()
    eve.post("/account/login/", {"login": stranger.email, "password": PASSWORD})
    eve.post("/account/reauthenticate/", {"password": PASSWORD})
    assert eve.post(CONNECTIONS, {"connection": row.pk}).status_code == 404
    assert sign_on(eve, "bea", process="connect")["Location"] == CONNECTIONS
    assert "belongs to another account" in eve.get(CONNECTIONS).content.decode()
    assert SocialAccount.objects.get().user.email == "bea@example.org"


def test_connecting_needs_the_password_first(
    provider: Provider, user: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(user)
    assert client.post(BEGIN, {"process": "connect"})["Location"] == CONNECTIONS
    assert client.get(CONNECTIONS)["Location"].startswith("/account/reauthenticate/")


def test_the_way_back_works_once_and_only_in_the_same_browser(provider: Provider) -> None:
    victim = Client()
    back = agree(leave(victim), "bea")
    for client in (Client(), Client()):
        assert client.get(back).status_code == 401
        assert who(client) == ""
    victim.get(back)
    victim.post("/account/logout/")
    assert victim.get(back).status_code == 401
    assert who(victim) == ""


def test_an_answer_with_another_nonce_is_refused(provider: Provider) -> None:
    """The answer of another sign-in is put into this one."""
    client = Client()
    address = leave(client)
    nonce = parse_qs(urlsplit(address).query)["nonce"][0]
    answer = client.get(agree(address.replace(nonce, "another-nonce"), "bea"))
    assert (answer.status_code, who(client), User.objects.count()) == (401, "", 0)


def test_the_request_carries_state_nonce_and_a_code_challenge(provider: Provider) -> None:
    query = parse_qs(urlsplit(leave(Client())).query)
    assert query["code_challenge_method"] == ["S256"]
    assert set(query["scope"][0].split()) == {"openid", "profile", "email"}
    assert {"state", "nonce", "code_challenge"} <= query.keys()


def test_a_link_of_another_site_starts_no_sign_in(provider: Provider) -> None:
    assert Client().get(BEGIN)["Location"] == "/account/login/"
    assert Client(enforce_csrf_checks=True).post(BEGIN).status_code == 403


def test_an_unreachable_provider_is_told(provider: Provider, settings: Settings) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = oidc.providers("sso", "http://127.0.0.1:9", CLIENT, SECRET, "Away")
    page = Client().post(BEGIN)
    assert (page.status_code, b"The sign-in did not work" in page.content) == (502, True)


def test_a_cancelled_sign_in_is_told(provider: Provider) -> None:
    client = Client()
    state = parse_qs(urlsplit(leave(client)).query)["state"][0]
    page = client.get(CALLBACK, {"error": "access_denied", "state": state}, follow=True)
    assert b"You cancelled the sign-in" in page.content


def test_without_a_provider_there_are_no_pages(user: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(user)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    codes = [client.get(path).status_code for path in (BEGIN, CALLBACK, CONNECTIONS)]
    assert codes == [404, 404, 404]
    assert b"Single sign-on" not in client.get("/account/usage/").content
    assert b"oidc" not in Client().get("/account/login/").content


GOOD = {"iss": "https://login.example.org", "sub": "7", "email": ADA, "email_verified": True, "nonce": "n"}


@pytest.mark.parametrize(
    ("token", "userinfo", "verified"),
    [
        ({}, None, True),
        ({"email_verified": "true"}, None, True),
        ({"email_verified": "false"}, None, False),
        ({"email_verified": 1}, None, False),
        ({"email_verified": None}, None, False),
        ({"email": "not an address"}, None, False),
        # The token's word is about the token's address, not about the other one.
        ({"email": "eve@example.org"}, {"sub": "7", "email": ADA}, False),
        ({"email_verified": False}, {"sub": "7", "email": ADA, "email_verified": True}, True),
    ],
)
def test_only_a_clear_yes_verifies_an_address(
    token: dict[str, Any], userinfo: dict[str, Any] | None, verified: bool
) -> None:
    assert Identity.read({"id_token": {**GOOD, **token}, "userinfo": userinfo}).verified is verified


@pytest.mark.parametrize(
    "answer",
    [
        {"userinfo": GOOD},
        {"id_token": {**GOOD, "sub": ""}},
        {"id_token": {**GOOD, "iss": None}},
        {"id_token": GOOD, "userinfo": {"sub": "8", "email": ADA}},
    ],
)
def test_an_answer_that_breaks_the_protocol_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(AnswerInvalidError) as refused:
        Identity.read(answer)
    assert refused.value.code == "invalid_answer"


def test_the_same_subject_of_another_issuer_is_another_person() -> None:
    one = Identity.read({"id_token": GOOD})
    other = Identity.read({"id_token": {**GOOD, "iss": "https://other.example.org"}})
    assert one.uid != other.uid
    assert Identity.restore(one.keep()) == one
    assert single_sign_on.PROVIDER == "sso"
