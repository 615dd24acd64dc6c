"""Rate limits on what strangers may send: beyond one, nothing happens, and nobody else notices."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditAction, AuditEntry, User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
ATTACKER, OWNER = "203.0.113.9", "192.0.2.1"


def sign_up(email: str, address: str) -> tuple[int, Client]:
    client = Client(REMOTE_ADDR=address)
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/account/signup/", form).status_code, client


def sign_in(email: str, password: str, address: str) -> tuple[int, bool]:
    client = Client(REMOTE_ADDR=address)
    status = client.post("/account/login/", {"login": email, "password": password}).status_code
    return status, "_auth_user_id" in client.session


def test_sign_ups_from_one_address_are_limited() -> None:
    answers = [sign_up(f"new{number}@example.org", ATTACKER)[0] for number in range(22)]
    assert (answers[19], answers[20], answers[21]) == (302, 429, 429)
    assert len(mail.outbox) == 20
    status, browser = sign_up("late@example.org", ATTACKER)
    assert status == 429
    assert "sign_up" not in browser.session
    assert len(mail.outbox) == 20
    assert sign_up("late@example.org", OWNER)[0] == 302
    assert mail.outbox[-1].to == ["late@example.org"]


def test_sign_ins_from_one_address_are_limited_for_all_accounts_together(user: User) -> None:
    """Guessing one password for many accounts. The right password does not help from there."""
    for number in range(30):
        sign_in(f"person{number}@example.org", "123456", ATTACKER)
    assert sign_in(user.email, PASSWORD, ATTACKER) == (429, False)
    assert not AuditEntry.objects.filter(action=AuditAction.SIGNED_IN).exists()
    assert sign_in(user.email, PASSWORD, OWNER) == (302, True)


def test_a_limit_on_an_account_counts_for_the_attackers_address_alone(user: User) -> None:
    for _ in range(5):
        assert sign_in(user.email, "wrong", ATTACKER)[1] is False
    # The account's own limit, from this address: the right password is not even looked at.
    assert sign_in(user.email, PASSWORD, ATTACKER)[1] is False
    assert sign_in(user.email, PASSWORD, OWNER) == (302, True)


def test_resets_from_one_address_are_limited(user: User) -> None:
    for number in range(20):
        Client(REMOTE_ADDR=ATTACKER).post("/account/password/reset/", {"email": f"{number}@example.org"})
    before = len(mail.outbox)
    answer = Client(REMOTE_ADDR=ATTACKER).post("/account/password/reset/", {"email": user.email})
    assert (answer.status_code, len(mail.outbox)) == (429, before)
    answer = Client(REMOTE_ADDR=OWNER).post("/account/password/reset/", {"email": user.email})
    assert (answer.status_code, len(mail.outbox)) == (302, before + 1)


def test_guesses_of_the_password_in_a_stolen_session_are_limited(user: User) -> None:
    """Somebody at an unlocked computer: the page that changes the password asks for the old one."""
    client = Client(REMOTE_ADDR=OWNER)
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    new = "another correct horse"
    form = {"oldpassword": "a guess", "password1": new, "password2": new}
    answers = [client.post("/account/password/change/", form).status_code for _ in range(6)]
    assert answers[5] == 429
    assert client.post("/account/password/change/", {**form, "oldpassword": PASSWORD}).status_code == 429
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
