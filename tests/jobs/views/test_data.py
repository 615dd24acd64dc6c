"""The page “Your data”, and the same acts by staff."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import AuditAction, AuditEntry, Erasure, User
from jobs.models import DataExport
from jobs.services import exports
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
SignIn = Callable[[User], Client]


def known(client: Client) -> Client:
    """A client whose password was just checked."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_erasing_needs_the_address_and_signs_out(user: User, client_of: SignIn) -> None:
    client = known(client_of(user))
    wrong = client.post(reverse("jobs:erase"), {"when": "at_once", "typed": "eve@example.org"})
    assert wrong.status_code == 400
    assert b"This is not the address of your account" in wrong.content
    assert client.post(reverse("jobs:erase"), {"typed": user.email}).status_code == 400
    assert not Erasure.objects.exists()
    user.refresh_from_db()
    assert user.is_active
    done = client.post(reverse("jobs:erase"), {"when": "grace", "typed": " ADA@example.org "}, follow=True)
    assert done.redirect_chain == [(reverse("account_login"), 302)]
    assert b"Your account is closed. It will be erased on" in done.content
    assert Erasure.objects.get().account == user.pk
    assert client.get(reverse("jobs:data")).status_code == 302


def test_erasing_needs_the_password_again(user: User, client_of: SignIn) -> None:
    response = client_of(user).post(reverse("jobs:erase"), {"when": "at_once", "typed": user.email})
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    assert not Erasure.objects.exists()


def test_the_page_shows_progress_and_says_why_a_request_is_refused(user: User, client_of: SignIn) -> None:
    client = known(client_of(user))
    client.post(reverse("jobs:export"))
    page = client.get(reverse("jobs:data")).content
    assert b"Your export is being made." in page
    assert b"data-open" in page
    refused = client.post(reverse("jobs:export"), follow=True)
    assert b"An export is being made already" in refused.content
    client.post(reverse("jobs:export_delete", args=[DataExport.objects.get().pk]))
    assert not DataExport.objects.exists()


def test_exports_are_limited_by_the_hour(user: User, client_of: SignIn) -> None:
    client = known(client_of(user))
    statuses = [client.post(reverse("jobs:export")).status_code for _ in range(6)]
    assert statuses == [302] * 5 + [429]


def test_staff_act_for_a_person_with_a_reason(
    user: User, make_user: Callable[..., User], client_of: SignIn, django_capture_on_commit_callbacks: object
) -> None:
    boss = make_user(is_staff=True, is_superuser=True)
    client, address = client_of(boss), reverse("admin:accounts_user_data", args=[user.pk])
    assert client.post(address, {"act": "export"}).status_code == 200, "a reason is missing"
    assert client.post(address, {"act": "at_once", "reason": "asked by letter"}).status_code == 200
    assert not DataExport.objects.exists()
    assert not Erasure.objects.exists()
    assert client.post(address, {"act": "export", "reason": "asked by letter"}).status_code == 302
    export = DataExport.objects.get()
    assert (export.user, export.by_staff) == (user, True)
    exports.make(export.pk)
    assert client.get(reverse("jobs:export_file", args=[export.pk])).status_code == 404, "only the owner"
    erase = {"act": "grace", "reason": "asked by letter", "typed": user.email}
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # pytest-django's
        assert client.post(address, erase).status_code == 302
    assert Erasure.objects.get().by_staff
    assert "Why: asked by letter" in mail.outbox[-1].body
    assert client.post(address, {"act": "keep", "reason": "a mistake"}).status_code == 302
    user.refresh_from_db()
    assert user.is_active
    acts = [AuditAction.ERASURE_CANCELLED, AuditAction.ERASURE_REQUESTED, AuditAction.EXPORT_REQUESTED]
    entries = AuditEntry.objects.filter(subject=user.pk, action__in=acts)
    assert [entry.action for entry in entries] == acts
    assert {(entry.actor, entry.by_staff) for entry in entries} == {(boss.pk, True)}
    assert [entry.reason for entry in entries] == ["a mistake", "asked by letter", "asked by letter"]


def test_staff_need_the_permission_to_delete_accounts(
    user: User, make_user: Callable[..., User], client_of: SignIn
) -> None:
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_user", "change_user"], content_type__app_label="accounts"
        )
    )
    address = reverse("admin:accounts_user_data", args=[user.pk])
    assert client_of(clerk).get(address).status_code == 403
    assert client_of(clerk).post(address, {"act": "export", "reason": "x"}).status_code == 403
    assert not DataExport.objects.exists()
