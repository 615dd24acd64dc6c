"""The audit log: what is written, that nothing changes it, and who may read it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import NotSupportedError
from django.test import Client
from django.utils import timezone

from accounts import audit_admin
from accounts.models import AuditAction, AuditEntry, AuditOrigin, User
from accounts.services import audit, tokens
from jobs.models import Job, Receipt
from jobs.services import receipts
from tests.conftest import PASSWORD, make_job
from tests.jobs.factories import bare_job

pytestmark = pytest.mark.django_db


def last() -> AuditEntry:
    return AuditEntry.objects.latest("id")


def entry(**facts: object) -> AuditEntry:
    return audit.record_alone(AuditAction.OPENED, subject=None, **facts)


def test_record_needs_a_transaction(transactional_db: None, user: User) -> None:
    with pytest.raises(TransactionManagementError):
        audit.record(AuditAction.OPENED, subject=user)
    assert AuditEntry.objects.count() == 0


def test_the_orm_refuses_updates_and_deletions() -> None:
    row = entry()
    for act in (row.save, row.delete, AuditEntry.objects.all().delete):
        with pytest.raises(NotSupportedError):
            act()
    with pytest.raises(NotSupportedError):
        AuditEntry.objects.update(reason="x")
    assert AuditEntry.objects.get().reason == ""


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditentry SET reason = 'x'", "DELETE FROM accounts_auditentry"]
)
def test_the_database_refuses_updates_and_deletions(statement: str) -> None:
    entry(reason="as it was")
    if connection.vendor == "sqlite":
        # tests/conftest.py drops it, so that tests can empty the tables.
        triggers = import_module("accounts.migrations.0001_initial").SQLITE
        with connection.cursor() as cursor:
            cursor.execute(triggers[1])
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEntry.objects.get().reason == "as it was"


def test_the_sweep_deletes_only_entries_older_than_the_setting(settings) -> None:  # type: ignore[no-untyped-def]
    settings.AUDIT_DAYS = 30
    old = AuditEntry.objects.create(action="opened", at=timezone.now() - timedelta(days=31))
    AuditOrigin.objects.create(entry=old, address="192.0.2.1")
    AuditEntry.objects.create(action="opened", at=timezone.now() - timedelta(days=29))
    assert audit.sweep() == 1
    assert audit.sweep() == 0
    assert [row.at > timezone.now() - timedelta(days=30) for row in AuditEntry.objects.all()] == [True]
    assert AuditOrigin.objects.count() == 0


def test_sign_in_and_out(client: Client, user: User) -> None:
    wrong = client.post("/account/login/", {"login": user.email, "password": "wrong"})
    assert wrong.status_code == 200
    assert (last().action, last().actor, last().subject) == ("sign_in_failed", None, user.pk)
    right = client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert right.status_code == 302
    assert (last().action, last().actor, last().subject) == ("signed_in", user.pk, user.pk)
    assert (last().by_staff, last().origin.address) == (False, "127.0.0.1")
    client.post("/account/logout/")
    assert (last().action, last().actor, last().subject) == ("signed_out", user.pk, user.pk)


def test_a_failed_sign_in_of_an_unknown_address_names_no_account(client: Client, user: User) -> None:
    client.post("/account/login/", {"login": "nobody@example.com", "password": "wrong"})
    assert (last().action, last().actor, last().subject, last().facts) == ("sign_in_failed", None, None, {})


def test_tokens(user: User) -> None:
    token, _secret = tokens.create(user, "script", ["read"])
    tokens.rotate(token)
    tokens.revoke(token)
    written = list(AuditEntry.objects.order_by("id").values_list("action", "subject", "kind", "target"))
    on_token = (user.pk, "accounts.ApiToken", str(token.pk))
    assert written == [
        ("token_created", *on_token),
        ("token_rotated", *on_token),
        ("token_revoked", *on_token),
    ]


def test_a_refused_token_writes_nothing(user: User) -> None:
    with pytest.raises(Exception, match="at least one thing"):
        tokens.create(user, "script", [])
    assert AuditEntry.objects.count() == 0


def test_a_password_change(client: Client, user: User) -> None:
    client.force_login(user)
    new = {"oldpassword": PASSWORD, "password1": "another long one 9", "password2": "another long one 9"}
    assert client.post("/account/password/change/", new).status_code == 302
    assert AuditEntry.objects.filter(action="password_changed", subject=user.pk, actor=user.pk).count() == 1


def test_staff_deletion_names_the_owner_and_the_reason(admin_client: Client, user: User) -> None:
    job = make_job(user)
    chosen = {
        "action": "delete_with_reason",
        "_selected_action": str(job.pk),
        "sure": "1",
        "note": "Reported.",
    }
    admin_client.post("/admin/jobs/job/", chosen)
    assert not Job.objects.filter(pk=job.pk).exists()
    assert Receipt.objects.get().note == "Reported."
    row = AuditEntry.objects.get(action="deleted")
    assert (row.by_staff, row.subject, row.kind, row.target, row.reason) == (
        True,
        user.pk,
        "jobs.Job",
        str(job.pk),
        "Reported.",
    )


def test_what_staff_open_and_change(admin_client: Client, user: User) -> None:
    job = make_job(user)
    assert admin_client.get(f"/admin/jobs/job/{job.pk}/change/").status_code == 200
    assert (last().action, last().by_staff, last().subject, last().target) == (
        "opened",
        True,
        user.pk,
        str(job.pk),
    )
    page = f"/admin/accounts/user/{user.pk}/change/"
    assert admin_client.get(page).status_code == 200
    assert (last().action, last().target) == ("opened", str(user.pk))
    fields = {"email": user.email, "name": "N", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert admin_client.post(page, fields).status_code == 302
    assert (last().action, last().subject) == ("account_changed", user.pk)
    assert last().facts == {"changed": ["is_active", "name"], "is_active": False}


def test_a_person_sees_only_their_own_part(client: Client, user: User, stranger: User) -> None:
    audit.record_alone(AuditAction.PASSWORD_CHANGED, subject=user)
    audit.record_alone(AuditAction.TOKENS_REVOKED, subject=stranger)
    client.force_login(user)
    page = client.get("/account/activity/").content.decode()
    assert "Password changed" in page
    assert "All API tokens revoked" not in page


@pytest.mark.django_db(transaction=True)
def test_the_csv_holds_the_filtered_log_and_no_formula(
    admin_client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_admin, "PAGE", 2)
    for number in range(5):
        audit.record_alone(AuditAction.PASSWORD_CHANGED, subject=user, reason=f" =1+{number}")
    audit.record_alone(AuditAction.SIGNED_OUT, subject=None)
    answer = admin_client.get("/admin/accounts/auditentry/export/?action__exact=password_changed")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))  # type: ignore[call-overload]
    assert [(row["action"], row["subject"], row["reason"]) for row in rows] == [
        ("password_changed", str(user.pk), f"' =1+{number}") for number in (4, 3, 2, 1, 0)
    ]


@pytest.mark.parametrize(
    "words", ["{user}", "{job}", "IT becau", "127.0.0.1", "no such words", "because not"]
)
def test_the_log_is_searched_by_account_id_reason_and_address(
    admin_client: Client, user: User, words: str
) -> None:
    job = bare_job(user)
    row = audit.record_alone(AuditAction.DELETED, subject=user, on=job, reason="because of it")
    AuditOrigin.objects.create(entry=row, address="127.0.0.1")
    answer = admin_client.get("/admin/accounts/auditentry/", {"q": words.format(user=user.pk, job=job.pk)})
    assert answer.status_code == 200
    assert (user.email in answer.content.decode()) is ("no" not in words)


def test_each_deleted_job_has_its_own_figures(user: User) -> None:
    with transaction.atomic():
        receipts.of_jobs([bare_job(user, 3), bare_job(user, 1)], Receipt.Reason.STAFF, "why")
    assert [row.facts for row in AuditEntry.objects.order_by("id")] == [
        {"pictures": 3, "whole": True},
        {"pictures": 1, "whole": True},
    ]


def test_staff_without_the_permission_see_no_log(client: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_job"))
    client.force_login(user)
    assert client.get("/admin/accounts/auditentry/").status_code == 403
    assert client.get("/admin/accounts/auditentry/export/").status_code == 403
