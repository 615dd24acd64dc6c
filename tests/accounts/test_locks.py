"""The lock order; violations fail here with any database."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.db import transaction
from django.db.transaction import TransactionManagementError

from accounts import locks
from accounts.models import Plan, User
from jobs.models import Job, Picture
from tests.jobs.factories import bare_job, pictures_of
from tests.lock_order import OutOfOrderError

ROOT = Path(__file__).resolve().parents[2]


def test_a_job_after_its_picture_is_out_of_order(user: User) -> None:
    job = bare_job(user)
    with transaction.atomic():
        assert locks.hold(Picture.objects.filter(job=job)) == [pictures_of(job)[0].pk]
        with pytest.raises(OutOfOrderError, match=r"jobs\.Job is locked after jobs\.Picture"):
            locks.hold(Job.objects.filter(pk=job.pk))


def test_a_held_lock_may_be_taken_again(user: User) -> None:
    job = bare_job(user)
    with transaction.atomic():
        locks.hold_user(user.pk)
        locks.hold(Job.objects.filter(pk=job.pk))
        locks.hold(Picture.objects.filter(job=job))
        assert locks.hold(Job.objects.filter(pk=job.pk)) == [job.pk]
        assert locks.hold_user(user.pk)


def test_rows_of_one_table_are_locked_in_the_order_of_their_keys(user: User) -> None:
    first, second = sorted([bare_job(user).pk, bare_job(user).pk])
    with transaction.atomic():
        assert locks.hold(Job.objects.filter(pk__in=[second, first])) == [first, second]
    with transaction.atomic():
        locks.hold(Job.objects.filter(pk=second))
        with pytest.raises(OutOfOrderError, match="order of keys"):
            locks.hold(Job.objects.filter(pk=first))


@pytest.mark.django_db(transaction=True)
def test_a_new_transaction_starts_without_locks(make_user: Callable[..., User]) -> None:
    job = bare_job(make_user())
    with transaction.atomic():
        locks.hold(Picture.objects.filter(job=job))
    with transaction.atomic():
        assert locks.hold(Job.objects.filter(pk=job.pk)) == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_of_a_transaction_is_refused() -> None:
    with pytest.raises(TransactionManagementError):
        locks.hold(Job.objects.all())


def test_a_table_missing_from_the_order_is_refused(db: None) -> None:
    with pytest.raises(ValueError, match=r"accounts\.Plan is missing from the lock order"):
        locks.hold(Plan.objects.all())


def test_every_table_in_the_order_exists() -> None:
    assert {apps.get_model(label)._meta.label for label in locks.ORDER} == set(locks.ORDER)
    assert list(locks.ORDER[:4]) == ["accounts.User", "jobs.Job", "jobs.Picture", "jobs.RenditionRequest"]


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("select_for_update(", ["accounts/locks.py"]),
        # A named function, for which `robust=True` suffices.
        ("transaction.on_commit(", ["accounts/services/sessions.py", "common/after_commit.py"]),
    ],
)
def test_no_other_code_locks_rows_or_uses_on_commit(what: str, where: list[str]) -> None:
    found = subprocess.run(
        ["git", "grep", "-lF", what, "--", "common", "accounts", "jobs", "bgplatform"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.split() == where
