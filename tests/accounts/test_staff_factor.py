"""STAFF_MFA, and staff who remove the factors of a person who lost them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import AuditEntry, User
from accounts.services import factors
from tests.accounts.test_factors import SECRET, subjects

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

SignIn = Callable[[User], Client]
USERS = "admin:accounts_user_changelist"


@pytest.fixture
def boss(make_user: Callable[..., User]) -> User:
    """A superuser without a second factor."""
    return make_user("boss@example.org", is_staff=True, is_superuser=True)


def test_staff_without_a_factor_are_led_to_add_one(boss: User, client_of: SignIn, settings: Settings) -> None:
    settings.STAFF_MFA = True
    client = client_of(boss)
    for address in ("/admin/", reverse(USERS), "/admin/nowhere/"):
        assert client.get(address)["Location"] == reverse("mfa_index"), address
    assert "Staff need a second factor" in client.get(reverse("mfa_index")).content.decode()
    refused = client.post(reverse("admin:accounts_user_add"), {"email": "new@example.org"})
    assert refused["Location"] == reverse("mfa_index")
    assert not User.objects.filter(email="new@example.org").exists()
    factors.add_totp(boss, SECRET)
    assert client.get("/admin/").status_code == 200


def test_other_people_notice_nothing(user: User, client_of: SignIn, settings: Settings) -> None:
    settings.STAFF_MFA = True
    assert client_of(user).get("/jobs/").status_code == 200
    assert client_of(user).get("/admin/")["Location"].startswith(reverse("admin:login"))
    assert Client().get("/admin/")["Location"].startswith(reverse("admin:login"))


def test_without_the_setting_staff_need_none(boss: User, client_of: SignIn, settings: Settings) -> None:
    settings.STAFF_MFA = False
    assert client_of(boss).get("/admin/").status_code == 200


def test_staff_remove_the_factors_of_somebody_who_lost_them(
    boss: User,
    user: User,
    client_of: SignIn,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    factors.add_totp(user, SECRET)
    client = client_of(boss)
    chosen = {"action": "reset_factors", "_selected_action": [user.pk]}
    asked = client.post(reverse(USERS), chosen)
    assert "How you made sure" in asked.content.decode()
    assert Authenticator.objects.count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse(USERS), {**chosen, "sure": "yes", "reason": "seen in person"})
    assert not Authenticator.objects.exists()
    entry = AuditEntry.objects.get(action="factors_reset")
    told = (entry.actor, entry.subject, entry.by_staff, entry.reason, entry.facts)
    assert told == (boss.pk, user.pk, True, "seen in person", {"count": 1})
    assert subjects(mailoutbox, user.email) == ["Your second factors were removed"]


def test_a_superusers_factors_are_removed_by_superusers_only(
    boss: User, make_user: Callable[..., User], client_of: SignIn
) -> None:
    from django.contrib.auth.models import Permission

    factors.add_totp(boss, SECRET)
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    everything = {"action": "reset_factors", "sure": "yes", "reason": "x"}
    client_of(clerk).post(reverse(USERS), {**everything, "_selected_action": [boss.pk]})
    client_of(boss).post(reverse(USERS), {**everything, "_selected_action": [boss.pk]})
    assert Authenticator.objects.filter(user=boss).count() == 2
    assert not AuditEntry.objects.filter(action="factors_reset").exists()


def test_an_operator_removes_them_by_command(boss: User) -> None:
    factors.add_totp(boss, SECRET)
    with pytest.raises(CommandError, match=r"There is no account nobody@example\.org\."):
        call_command("reset_factors", "nobody@example.org")
    call_command("reset_factors", boss.email, reason="lost phone")
    assert not Authenticator.objects.exists()
    assert AuditEntry.objects.get(action="factors_reset").reason == "lost phone"


def test_the_old_address_is_told_when_staff_change_it(
    boss: User,
    user: User,
    client_of: SignIn,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client, address = client_of(boss), reverse("admin:accounts_user_change", args=[user.pk])
    form = client.get(address).context["adminform"].form
    values = {name: form.initial.get(name) or "" for name in form.fields}
    values |= {"groups": [], "user_permissions": [], "is_active": "on", "email": "new@example.org"}
    values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    values = {name: value for name, value in values.items() if name not in {"password", "is_staff"}}
    with django_capture_on_commit_callbacks(execute=True):
        client.post(address, {name: value for name, value in values.items() if value is not False})
    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert subjects(mailoutbox, "ada@example.org") == ["Your address was changed"]
    assert "new@example.org" not in mailoutbox[0].body
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            reverse("admin:auth_user_password_change", args=[user.pk]),
            {
                "password1": "a very new password",
                "password2": "a very new password",
                "usable_password": "true",
            },
        )
    assert subjects(mailoutbox, "new@example.org") == ["Your password was changed"]
