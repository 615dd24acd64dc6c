"""Nobody learns which addresses have an account: the same answer and the same work for all addresses.

Time is compared by the work that costs time: how often a password is hashed, and how many mails are sent.
These counts are exact, wall time is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Invitation, User
from accounts.services import invitations
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
SIGN_UP, SIGN_IN, RESET = "/account/signup/", "/account/login/", "/account/password/reset/"
TIMES = 5
# Differ from request to request, for every address.
OF_THE_REQUEST = r'name="csrfmiddlewaretoken" value="[^"]+"'


@dataclass
class Seen:
    """What a stranger sees of some requests, and what they cost."""

    status: int
    body: str
    headers: dict[str, str]
    hashes: list[int] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hash of a password that the test causes; these are what takes time."""
    calls: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        calls.append(salt)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return calls


@pytest.fixture
def addresses(make_user: Callable[..., User]) -> dict[str, str]:
    """One address of each kind, all of the same length: forms show the address again."""
    for name, extra in (
        ("known", {}),
        ("closed", {"is_active": False}),
        ("staff", {"is_staff": True}),
        ("halted", {"suspended_at": timezone.now()}),
    ):
        account = make_user(address(name), **extra)
        EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    claimed = make_user(address("claimed"))
    EmailAddress.objects.create(user=claimed, email=claimed.email, verified=False, primary=True)
    make_user(address("no-row"))
    User.objects.create(email=address("sso-only"), password="!no password")
    return {
        name: address(name)
        for name in ("known", "staff", "claimed", "no-row", "sso-only", "closed", "halted")
    }


def address(name: str) -> str:
    return f"{name:x<8}@example.org"


def observe(path: str, fields: dict[str, str], email: str, hashed: list[str], settings: Settings) -> Seen:
    """Sends the form TIMES times, each from another client and without limits for an address."""
    settings.ACCOUNT_RATE_LIMITS = {}
    seen: Seen | None = None
    for number in range(TIMES):
        client = Client(REMOTE_ADDR=f"192.0.2.{number + 1}")
        hashed.clear()
        mail.outbox.clear()
        answer: Any = client.post(
            path, {**fields, **({"login": email} if path == SIGN_IN else {"email": email})}
        )
        cookies = sorted(f"{name} {morsel['path']}" for name, morsel in answer.cookies.items())
        body = re.sub(OF_THE_REQUEST, "", answer.content.decode()).replace(email, "ADDRESS")
        # The time of the answer: not more than the clock.
        headers = {**answer.headers, "cookies": ", ".join(cookies), "Expires": ""}
        if seen is None:
            seen = Seen(answer.status_code, body, headers)
        assert (answer.status_code, body, headers) == (seen.status, seen.body, seen.headers)
        seen.hashes.append(len(hashed))
        seen.mails.append(len(mail.outbox))
    assert seen is not None
    return seen


@pytest.mark.parametrize("sign_up", ["open", "closed", "invitation"])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (SIGN_UP, {"password1": PASSWORD, "password2": PASSWORD}),
        (SIGN_UP, {"password1": "short", "password2": "short"}),
        (SIGN_IN, {"password": "a wrong password"}),
        (RESET, {}),
    ],
)
def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work(
    path: str,
    fields: dict[str, str],
    sign_up: str,
    addresses: dict[str, str],
    hashed: list[str],
    settings: Settings,
) -> None:
    settings.SIGN_UP = sign_up
    unknown = observe(path, fields, address("nobody"), hashed, settings)
    for name, email in addresses.items():
        known = observe(path, fields, email, hashed, settings)
        assert (known.status, known.body, known.headers) == (unknown.status, unknown.body, unknown.headers), (
            name
        )
        assert median(known.hashes) == median(unknown.hashes), f"{name}: {known.hashes} {unknown.hashes}"
        assert known.mails == unknown.mails, name


def test_a_link_of_an_invitation_tells_nothing_about_accounts(
    addresses: dict[str, str], hashed: list[str], settings: Settings
) -> None:
    """A link for an address with an account answers as an unknown link, for the same work."""
    settings.ACCOUNT_RATE_LIMITS = {}
    soon = timezone.now() + timedelta(days=1)
    links = {"unknown": "nothing"}
    for name in ("known", "closed", "no-row"):
        links[name] = f"secret-of-{name}"
        Invitation.objects.create(
            email=addresses[name], digest=invitations.digest_of(links[name]), expires_at=soon
        )
    seen = {}
    for name, secret in links.items():
        hashed.clear()
        answer = Client().post(
            f"/account/invitation/{secret}/", {"password1": PASSWORD, "password2": PASSWORD}
        )
        seen[name] = (answer.status_code, answer.content, dict(answer.headers), len(hashed))
    assert seen["unknown"][0] == 404
    assert {name: one == seen["unknown"] for name, one in seen.items()} == dict.fromkeys(links, True)
