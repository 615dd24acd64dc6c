"""Malformed input in the account's forms is refused, never a 500, and creates no account."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
RUBBISH = [
    *("", " ", "x", "@", "a@b", "a" * 5000, "ä@ö.de", "\x00", "a\x00@b.org"),
    *("a@b.org\r\nBcc: c@d.org", "<script>@b.org", '"a b"@b.org'),
]
FORMS = [
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/email/",
    "/account/reauthenticate/",
    "/account/password/change/",
    "/account/password/set/",
    "/account/confirm-email/x/",
    "/account/signup/confirm/x/",
    "/account/password/reset/key/1-x/",
    "/account/password/reset/key/zzzzzzzzzzzzzzzzzzz-x/",
]
FIELDS = ("login", "email", "password", "password1", "password2", "oldpassword", "next", "action_add")


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_malformed_input_is_refused(user: User, settings: Settings, address: str, signed_in: bool) -> None:
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS, "1000/m/ip")
    settings.ACCOUNT_RATE_LIMITS |= {"login": "1000/m/ip", "signup": "1000/m/ip", "manage_email": "1000/m/ip"}
    client = Client()
    if signed_in:
        client.post("/account/login/", {"login": user.email, "password": PASSWORD})
        client.post("/account/reauthenticate/", {"password": PASSWORD})
    for text in RUBBISH:
        for kind in ("text/html", "application/json"):
            answer = client.post(address, dict.fromkeys(FIELDS, text), headers={"Accept": kind})
            assert answer.status_code < 500, (text, kind)
    assert User.objects.count() == 1
    user.refresh_from_db()
    assert (user.email, user.check_password(PASSWORD)) == ("ada@example.org", True)
