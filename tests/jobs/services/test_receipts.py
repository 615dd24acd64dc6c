"""Deletions by staff: the owner gets a receipt and a mail with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from jobs.models import Job, Picture, Receipt
from jobs.services import removal
from tests.conftest import make_job
from tests.jobs.factories import pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def test_a_deletion_by_staff_gives_a_receipt_and_a_mail_with_the_reason(
    user: User, make_user: Callable[..., User], client_of: Callable[[User], Client], settings: Any
) -> None:
    settings.SITE_URL, settings.PATH_PREFIX = "https://example.org", "/cutouts"
    job = make_job(user, 3)
    staff = client_of(make_user(is_staff=True, is_superuser=True))
    rows = [str(pictures_of(job)[0].pk)]
    chosen = {"action": "delete_with_reason", "_selected_action": rows}
    asked = staff.post("/admin/jobs/picture/", chosen)
    assert (asked.status_code, Picture.objects.count(), len(mail.outbox)) == (200, 3, 0)
    assert staff.post("/admin/jobs/picture/", {**chosen, "sure": "yes", "note": ""}).status_code == 200
    assert Picture.objects.count() == 3

    staff.post("/admin/jobs/picture/", {**chosen, "sure": "yes", "note": "Shows somebody else."})
    assert Picture.objects.count() == 2
    receipt = Receipt.objects.get()
    assert (receipt.user, receipt.title, receipt.picture_count) == (user, "disc-0.png", 1)
    assert (receipt.whole, receipt.reason, receipt.note) == (False, "staff", "Shows somebody else.")
    (message,) = mail.outbox
    assert message.to == [user.email]
    assert message.subject == "[bgplatform] Pictures of yours were deleted"
    assert "- disc-0.png: 1 picture\n\nWhy: Shows somebody else.\n" in message.body
    assert "https://example.org/cutouts/jobs/deleted/" in message.body
    page = client_of(user).get("/jobs/deleted/").content.decode()
    assert "disc-0.png" in page
    assert "deleted by staff" in page
    assert "Shows somebody else." in page


def test_staff_deleting_jobs_sends_each_owner_one_mail(
    user: User, stranger: User, make_user: Callable[..., User], client_of: Callable[[User], Client]
) -> None:
    mine, theirs = [make_job(user, 1), make_job(user, 2)], make_job(stranger, 1)
    staff = client_of(make_user(is_staff=True, is_superuser=True))
    rows = [str(job.pk) for job in (*mine, theirs)]
    data = {"action": "delete_with_reason", "_selected_action": rows, "sure": "yes", "note": "Too old."}
    staff.post("/admin/jobs/job/", data)
    assert not Job.objects.exists()
    assert sorted(message.to[0] for message in mail.outbox) == sorted([user.email, stranger.email])
    assert Receipt.objects.filter(whole=True, note="Too old.").count() == 3


def test_owners_get_no_mail_about_their_own_deletions(user: User) -> None:
    job = make_job(user, 2)
    removal.delete_pictures([pictures_of(job)[0].pk])
    removal.delete_jobs([job.pk])
    assert (Receipt.objects.count(), mail.outbox) == (2, [])


def test_an_unreachable_mail_server_does_not_stop_a_deletion(user: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    job = make_job(user)
    assert removal.delete_jobs([job.pk], Receipt.Reason.STAFF, note="Gone.") == 1
    assert Receipt.objects.get().note == "Gone."
