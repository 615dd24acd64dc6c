"""Links in e-mails, and rate limits that never lock somebody else out."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
SITE = "https://cut.example.org"
SIGN_IN, SIGN_UP, RESET = "/account/login/", "/account/signup/", "/account/password/reset/"


def sign_in(email: str, password: str, address: str = "192.0.2.1") -> Client:
    client = Client(REMOTE_ADDR=address)
    client.post(SIGN_IN, {"login": email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def every_mail(user: User, host: str) -> list[str]:
    """Returns all e-mails that a stranger, and then the user, can trigger."""
    client = Client(HTTP_HOST=host)
    for email in (user.email, "nobody@example.org"):
        client.post(RESET, {"email": email})
        client.post(SIGN_UP, {"email": email, "password1": PASSWORD, "password2": PASSWORD})
    client.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post("/account/email/", {"email": "new@example.org", "action_add": ""})
    new = "another correct horse"
    client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert len(mail.outbox) == 6
    return [f"{message.subject}\n{message.body}" for message in mail.outbox]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000"])
def test_no_email_contains_the_requests_host(user: User, settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS, settings.SITE_URL = ["*"], SITE
    for text in every_mail(user, host):
        assert "evil" not in text
        assert SITE in text


@pytest.mark.django_db(transaction=True)
def test_mails_name_the_site_by_its_name(user: User, settings: Settings) -> None:
    settings.SITE_URL = "http://127.0.0.1:8000"
    for text in every_mail(user, "testserver"):
        assert text.startswith("[bgplatform] ")
        assert "Hello from" not in text
        assert "testserver" not in text
        assert "bgplatform, http://127.0.0.1:8000/" in text
        assert "&#x27;" not in text


@pytest.mark.parametrize("stranger_at", ["203.0.113.9", "2001:db8::1"])
def test_a_strangers_wrong_passwords_do_not_lock_the_owner_out(user: User, stranger_at: str) -> None:
    for _ in range(6):
        sign_in(user.email, "wrong", stranger_at)
    assert not is_in(sign_in(user.email, PASSWORD, stranger_at))
    assert is_in(sign_in(user.email, PASSWORD, "192.0.2.1"))


def test_changing_case_or_ipv6_suffix_does_not_reset_the_limit(user: User) -> None:
    for number in range(5):
        sign_in(user.email.upper() if number % 2 else user.email, "wrong", f"2001:db8::{number + 1}")
    assert not is_in(sign_in(user.email, PASSWORD, "2001:db8::ffff"))
    assert is_in(sign_in(user.email, PASSWORD, "2001:db8:0:1::1"))


def test_many_reset_requests_do_not_lock_the_owner_out(user: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "reset_mail": "2/h/key"}
    for number in range(4):
        answer = Client(REMOTE_ADDR=f"203.0.113.{number}").post(RESET, {"email": user.email})
        assert (answer.status_code, answer["Location"]) == (302, "/account/password/reset/done/")
    assert len(mail.outbox) == 2


def test_the_rate_limit_has_its_own_page(user: User) -> None:
    client = Client(REMOTE_ADDR="203.0.113.9")
    answers = [client.post(RESET, {"email": f"{n}@example.org"}).status_code for n in range(21)]
    assert answers[19:] == [302, 429]
    page = client.post(RESET, {"email": user.email})
    assert page.status_code == 429
    assert b"Too many requests" in page.content
    assert b"site-header" in page.content


def test_a_request_without_an_address_signs_in(user: User) -> None:
    """As on a Unix socket."""
    assert is_in(sign_in(user.email, PASSWORD, ""))


@pytest.mark.parametrize("error", [ConnectionRefusedError(), smtplib.SMTPServerDisconnected()])
def test_an_unavailable_mail_server_is_a_503(
    user: User, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    for email in (user.email, "nobody@example.org"):
        for address, more in ((RESET, {}), (SIGN_UP, {"password1": PASSWORD, "password2": PASSWORD})):
            answer = Client().post(address, {"email": email, **more})
            assert answer.status_code == 503
            assert b"The mail server does not respond" in answer.content


def test_a_password_change_succeeds_without_the_mail_server(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    client, new = sign_in(user.email, PASSWORD), "another correct horse"
    answer = client.post(
        "/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.check_password(new)


def test_a_sign_up_without_mandatory_confirmation_succeeds_without_the_mail_server(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    client = Client()
    form = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(SIGN_UP, form).status_code == 302
    assert is_in(client)


@pytest.mark.parametrize("in_log", [True, False])
def test_pages_tell_where_to_find_the_email(user: User, settings: Settings, in_log: bool) -> None:
    client = sign_in(user.email, PASSWORD)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    if in_log:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = client.post(
        "/account/email/", {"email": "new@example.org", "action_add": ""}, follow=True
    ).content.decode()
    assert ("in the server's log" in page.replace("&#x27;", "'")) is in_log
    assert ("A link was sent to new@example.org" in page) is not in_log
    sent = Client().get("/account/confirm-email/").content.decode()
    assert ("We have sent you" in sent) is not in_log
