"""Retention: jobs expire by plan, pins exempt them, and receipts record what was deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Plan, User
from accounts.selectors import plan_of
from jobs.models import Job, Receipt
from jobs.services import lines, retention
from tests.conftest import make_job
from tests.jobs.factories import bare_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def standard(db: None) -> Plan:
    plan, _ = Plan.objects.get_or_create(is_default=True, defaults={"name": "Standard"})
    Plan.objects.filter(pk=plan.pk).update(keep_days=30)
    plan.refresh_from_db()
    return plan


def ended(user: User, days_ago: float, **facts: object) -> Job:
    job = bare_job(user)
    moment = timezone.now() - timedelta(days=days_ago)
    Job.objects.filter(pk=job.pk).update(
        **{"state": "finished", "finished_at": moment, "created_at": moment, **facts}
    )
    return job


@pytest.mark.usefixtures("standard")
def test_only_expired_jobs_are_deleted_with_a_receipt(user: User) -> None:
    over, fresh = ended(user, 31), ended(user, 29)
    pinned = ended(user, 400, pinned=True)
    at_work = ended(user, 400, state="active", finished_at=None)

    assert retention.expire() == 1
    assert retention.expire() == 0

    assert set(Job.objects.values_list("pk", flat=True)) == {fresh.pk, pinned.pk, at_work.pk}
    receipt = Receipt.objects.get()
    assert (receipt.user, receipt.job, receipt.reason, receipt.picture_count) == (user, over.pk, "expired", 1)


def test_the_users_own_plan_decides_and_no_retention_keeps_forever(
    user: User, stranger: User, standard: Plan
) -> None:
    short = Plan.objects.create(name="Short", keep_days=1)
    User.objects.filter(pk=user.pk).update(plan=short)
    ended(user, 2)
    kept = ended(stranger, 2)
    assert (plan_of(user.pk), plan_of(stranger.pk)) == (short, standard)

    assert retention.expire() == 1
    assert list(Job.objects.all()) == [kept]

    Plan.objects.update(keep_days=None)
    Job.objects.update(created_at=timezone.now() - timedelta(days=4000))
    assert retention.expire() == 0


@pytest.mark.usefixtures("standard")
def test_the_next_call_continues_with_the_rest(user: User) -> None:
    for _ in range(retention.AT_ONCE + 3):
        ended(user, 40)

    assert [retention.expire(), retention.expire(), retention.expire()] == [retention.AT_ONCE, 3, 0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_plan_with_a_larger_weight_has_more_in_flight(user: User, settings: object) -> None:
    settings.WINDOW = 2  # type: ignore[attr-defined]
    settings.INTERACTIVE_PICTURES = 0  # type: ignore[attr-defined]
    heavy = Plan.objects.create(name="Heavy", weight=3)
    job = make_job(user, 10)
    assert job.pictures.filter(dispatched_at__isnull=False).count() == 2

    User.objects.filter(pk=user.pk).update(plan=heavy)
    assert lines.PICTURES.top_up(user.pk) == 4


def test_the_page_pins_and_unpins_a_job(user: User, client_of: Callable[[User], Client]) -> None:
    client, job = client_of(user), bare_job(user)

    for said, pinned in (("true", True), ("false", False)):
        assert client.post(f"/jobs/{job.pk}/pin/", {"pinned": said}).status_code == 302
        job.refresh_from_db()
        assert job.pinned is pinned


def test_users_see_only_their_own_receipts(
    user: User, stranger: User, client_of: Callable[[User], Client]
) -> None:
    mine, other = bare_job(user, title="My shoes"), bare_job(stranger, title="Their shoes")
    client_of(user).post(f"/jobs/{mine.pk}/delete/")
    client_of(stranger).post(f"/jobs/{other.pk}/delete/")

    page = client_of(user).get("/jobs/deleted/").content.decode()

    assert "My shoes" in page
    assert "deleted by its owner" in page
    assert "Their shoes" not in page
