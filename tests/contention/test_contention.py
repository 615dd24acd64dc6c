"""The short form of `python -m tests.contention`, which runs it longer and on both databases."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Plan, User
from bgplatform.local.console import say
from jobs.models import Picture
from jobs.services import removal
from tests.conftest import make_job
from tests.contention import run, small_writes
from tests.jobs.factories import complete_all

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.timeout(900),
]
# The command sets this; in the suite it is a few seconds.
SECONDS = float(os.environ.get("CONTENTION_SECONDS", "3"))
PRESSES = int(os.environ.get("CONTENTION_PRESSES", "2"))
PICTURES = int(os.environ.get("CONTENTION_PICTURES", "300"))


@pytest.fixture(autouse=True)
def _a_plan(settings: Any) -> Iterator[None]:
    Plan.objects.get_or_create(is_default=True, defaults={"name": "Standard"})
    settings.API_REQUESTS_A_MINUTE = 1_000_000
    # Thousands of requests would log; the report counts the errors.
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("in_flight", [None, 60])
def test_everything_at_once_in_one_account(user: User, in_flight: int | None) -> None:
    Plan.objects.update(in_flight=in_flight)
    report = run.everything(user, SECONDS)
    say(f"\neverything at once, {SECONDS:g} s, in_flight={in_flight}\n{report}")
    assert report.clean, str(report)


def test_cancel_and_delete_while_a_batch_runs(user: User) -> None:
    report = run.presses(user, PRESSES, 300)
    say(f"\nCancel and Delete, {PRESSES} times each, on 300 pictures\n{report}")
    assert report.clean, str(report)


def test_small_writes_beside_a_large_job(user: User) -> None:
    found = small_writes.waits(user, PICTURES)
    say(f"\nsmall writes beside a job of {PICTURES} pictures\n" + "\n".join(f"  {one}" for one in found))
    assert run.wrong_of(user) == []


def test_the_check_of_charges_knows_deletions_and_finds_a_lost_charge(user: User) -> None:
    job = complete_all(make_job(user, 3))
    assert run.wrong_of(user) == []
    last = Picture.objects.filter(job=job).latest("position")
    removal.delete_pictures([last.pk])
    assert run.wrong_of(user) == []
    other = make_job(user, 2)
    lost = Picture.objects.filter(job=other).earliest("position")
    Picture.objects.filter(pk=lost.pk).update(charged_at=None)
    assert f"job {other.pk}: 2 charged, 1 of its pictures say so" in run.wrong_of(user)
