"""Second factors: adding, using and removing them, with audit entries and mails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import AuditEntry, User
from accounts.services import emails, factors
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SignIn = Callable[[User], Client]


def code(secret: str = SECRET) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def wrong_code(secret: str = SECRET) -> str:
    near = {format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step)) for step in range(-3, 4)}
    return next(text for text in ("000000", "111111", "222222", *"3456789") if text not in near)


def recovery_codes(user: User) -> list[str]:
    found: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return found


def add_passkey(user: User, name: str = "key") -> Authenticator:
    made: Authenticator = Authenticator.objects.create(user=user, type="webauthn", data={"name": name})
    return made


def give_password(client: Client, user: User) -> Any:
    return client.post("/account/login/", {"login": user.email, "password": PASSWORD})


@pytest.fixture
def confirmed(user: User, client_of: SignIn) -> Client:
    """A signed-in client that has just given the password again."""
    emails.record_confirmed(user)
    client = client_of(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def actions(user: User) -> list[str]:
    """The account's audit entries, oldest first."""
    return list(AuditEntry.objects.filter(subject=user.pk).order_by("pk").values_list("action", flat=True))


def subjects(mailoutbox: list[EmailMessage], to: str) -> list[str]:
    return [mail.subject.removeprefix("[bgplatform] ") for mail in mailoutbox if mail.to == [to]]


def test_an_app_is_added_by_its_first_code(
    confirmed: Client,
    user: User,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    page = confirmed.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    assert confirmed.post(reverse("mfa_activate_totp"), {"code": wrong_code(secret)}).status_code == 200
    assert not Authenticator.objects.exists()
    assert actions(user) == []
    with django_capture_on_commit_callbacks(execute=True):
        answer = confirmed.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert answer["Location"] == reverse("mfa_view_recovery_codes")
    assert actions(user) == ["factor_added", "recovery_codes_made"]
    assert subjects(mailoutbox, user.email) == ["An authenticator app was added"]
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    # The codes are shown once.
    codes = recovery_codes(user)
    assert codes[0] in confirmed.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert codes[0] not in confirmed.get(reverse("mfa_view_recovery_codes")).content.decode()


@pytest.mark.parametrize(
    "name", ["mfa_activate_totp", "mfa_add_webauthn", "mfa_deactivate_totp", "mfa_generate_recovery_codes"]
)
def test_changes_need_the_password_first(user: User, client_of: SignIn, name: str) -> None:
    factors.add_totp(user, SECRET) if name != "mfa_activate_totp" else None
    before = Authenticator.objects.count()
    answer = client_of(user).post(reverse(name), {"code": code()})
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert Authenticator.objects.count() == before


def test_a_password_alone_does_not_sign_in(client: Client, user: User) -> None:
    factors.add_totp(user, SECRET)
    assert give_password(client, user)["Location"] == reverse("mfa_authenticate")
    assert client.get("/jobs/").status_code == 302
    assert client.post(reverse("mfa_authenticate"), {"code": wrong_code()}).status_code == 200
    assert client.get("/jobs/").status_code == 302
    assert client.post(reverse("mfa_authenticate"), {"code": code()})["Location"] == "/"
    assert client.get("/jobs/").status_code == 200
    assert actions(user)[2:] == ["sign_in_failed", "signed_in"]
    assert AuditEntry.objects.get(action="sign_in_failed").facts == {"step": "second factor"}


def test_a_recovery_code_signs_in_once(
    client: Client,
    user: User,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    factors.add_totp(user, SECRET)
    first = recovery_codes(user)[0]
    give_password(client, user)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("mfa_authenticate"), {"code": first})["Location"] == "/"
    assert actions(user)[2:] == ["recovery_code_used", "signed_in"]
    assert "A recovery code was used" in subjects(mailoutbox, user.email)
    other = Client()
    give_password(other, user)
    assert other.post(reverse("mfa_authenticate"), {"code": first}).status_code == 200
    assert other.get("/jobs/").status_code == 302
    assert len(recovery_codes(user)) == 9


def test_codes_are_tried_five_times_at_most(client: Client, user: User) -> None:
    factors.add_totp(user, SECRET)
    give_password(client, user)
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": wrong_code()})
    assert client.post(reverse("mfa_authenticate"), {"code": code()}).status_code == 200
    assert client.get("/jobs/").status_code == 302


def test_with_the_last_factor_go_the_recovery_codes(
    confirmed: Client,
    user: User,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    factors.add_totp(user, SECRET)
    key = add_passkey(user)
    with django_capture_on_commit_callbacks(execute=True):
        confirmed.post(reverse("mfa_remove_webauthn", args=[key.pk]))
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    with django_capture_on_commit_callbacks(execute=True):
        confirmed.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert actions(user)[2:] == ["factor_removed", "factor_removed"]
    told = ["A passkey was removed", "An authenticator app was removed"]
    assert subjects(mailoutbox, user.email) == told


def test_other_peoples_passkeys_are_not_there(confirmed: Client, stranger: User) -> None:
    key = add_passkey(stranger, "of Eve")
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert confirmed.post(reverse(name, args=[key.pk]), {"name": "mine"}).status_code == 404
    key.refresh_from_db()
    assert key.data == {"name": "of Eve"}


def test_new_codes_replace_the_old_ones(confirmed: Client, user: User) -> None:
    factors.add_totp(user, SECRET)
    before = recovery_codes(user)
    confirmed.post(reverse("mfa_generate_recovery_codes"))
    assert not set(before) & set(recovery_codes(user))
    assert actions(user)[2:] == ["recovery_codes_made"]


def test_passkeys_have_a_limit(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "MAX_PASSKEYS", 1)
    add_passkey(user)
    with pytest.raises(factors.FactorRefusedError) as refused:
        factors.add_passkey(user, "second", {})
    assert refused.value.code == "too_many_passkeys"
    assert Authenticator.objects.count() == 1


MALFORMED = [
    *("", "x", "[]", "1", "null", "{}", '{"id": 1}', "[" * 20_000, '"' + "a" * 40_000 + '"'),
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": null}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA",'
    ' "attestationObject": "AA", "authenticatorData": "AA", "signature": "AA", "userHandle": "Zg"}}',
]


def test_malformed_passkeys_are_refused(confirmed: Client, client: Client, user: User) -> None:
    confirmed.get(reverse("mfa_add_webauthn"))
    client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    for text in MALFORMED:
        added = confirmed.post(reverse("mfa_add_webauthn"), {"credential": text, "name": "x"})
        assert added.status_code == 200, text[:80]
        answer = client.post(reverse("mfa_login_webauthn"), {"credential": text})
        assert answer["Location"] == reverse("account_login"), text[:80]
    assert not Authenticator.objects.exists()
    assert client.get("/jobs/").status_code == 302


def test_after_a_change_of_the_secret_key_no_code_is_right(
    client: Client, user: User, settings: Settings
) -> None:
    factors.add_totp(user, SECRET)
    settings.SECRET_KEY = "another secret key, long enough for the purpose of this test"
    give_password(client, user)
    assert client.post(reverse("mfa_authenticate"), {"code": code()}).status_code == 200
    assert client.get("/jobs/").status_code == 302


def test_the_first_password_needs_the_second_factor(user: User, client_of: SignIn) -> None:
    user.set_unusable_password()
    user.save()
    client = client_of(user)
    address = reverse("account_set_password")
    words = {"password1": "a new pass phrase", "password2": "a new pass phrase"}
    TOTP.activate(user, SECRET)
    answer = client.post(address, words)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert "password_changed" not in actions(user)


def test_the_first_password_of_an_account_without_factors_is_audited(user: User, client_of: SignIn) -> None:
    user.set_unusable_password()
    user.save()
    words = {"password1": "a new pass phrase", "password2": "a new pass phrase"}
    assert client_of(user).post(reverse("account_set_password"), words).status_code == 302
    user.refresh_from_db()
    assert user.check_password("a new pass phrase")
    assert "password_changed" in actions(user)
