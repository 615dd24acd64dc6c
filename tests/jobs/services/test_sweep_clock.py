"""While the clock is not trusted, nothing is deleted by age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Plan, User
from jobs.models import Job, LastRun, Upload
from jobs.services import retention, sweep_clock
from tests.conftest import make_upload
from tests.jobs.factories import bare_job, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _thirty_days(db: None) -> None:
    Plan.objects.update_or_create(is_default=True, defaults={"name": "Standard", "keep_days": 30})


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def job(user: User, clock: time_machine.Traveller) -> Job:
    """A job of today, and an upload without a job."""
    make_upload(user)
    return bare_job(user, state="finished", finished_at=NOON)


def test_a_clock_400_days_ahead_for_one_sweep_deletes_nothing(
    job: Job, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    call_command("dispatch", once=True)
    files = stored_files()
    clock.shift(timedelta(days=400))
    call_command("dispatch", once=True)
    assert retention.expire() == 0

    assert Job.objects.filter(pk=job.pk).exists()
    assert Upload.objects.count() == 1
    assert stored_files() == files
    assert "The clock moved 400 days ahead since the last sweep" in caplog.text
    assert "manage.py sweep_clock --accept" in caplog.text

    clock.shift(timedelta(days=-400) + timedelta(minutes=1))
    caplog.clear()
    call_command("dispatch", once=True)
    assert Job.objects.filter(pk=job.pk).exists()
    assert "clock" not in caplog.text
    assert LastRun.objects.get().at == NOON + timedelta(minutes=1)


def test_accepting_the_clock_step_lets_the_next_sweep_delete(job: Job, clock: time_machine.Traveller) -> None:
    call_command("dispatch", once=True)
    clock.shift(timedelta(days=400))
    said = StringIO()
    call_command("sweep_clock", stdout=said)
    assert "the clock moved 400 days ahead" in said.getvalue()
    assert "run this command with --accept" in said.getvalue()
    assert retention.expire() == 0, "the report changes nothing"

    said = StringIO()
    call_command("sweep_clock", "--accept", stdout=said)
    assert (
        said.getvalue() == "Accepted: it is 2027-02-06 12:00:00 UTC. The next sweep deletes expired data.\n"
    )
    call_command("dispatch", once=True)
    assert not Job.objects.exists()
    assert not Upload.objects.exists()


def test_steps_within_the_limit_delete_as_usual(
    job: Job, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.SWEEP_MAX_STEP_DAYS = 10
    deleted = []
    for _ in range(5):
        deleted.append(retention.expire())
        clock.shift(timedelta(days=10))
    assert deleted == [0, 0, 0, 0, 1]


def test_a_step_at_the_limit_is_trusted_and_a_larger_one_is_not(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.SWEEP_MAX_STEP_DAYS = 2
    assert sweep_clock.is_believable(), "the first sweep has nothing to compare with"
    clock.shift(timedelta(days=2))
    assert sweep_clock.is_believable()
    clock.shift(timedelta(days=2, seconds=1))
    assert not sweep_clock.is_believable()


def test_correcting_a_clock_that_was_behind_needs_confirmation(clock: time_machine.Traveller) -> None:
    """Rows made while the clock was behind look as old as it was behind."""
    assert sweep_clock.is_believable()
    clock.shift(timedelta(days=-3000))
    assert sweep_clock.is_believable(), "a step back makes nothing old"
    clock.shift(timedelta(days=3000))
    assert not sweep_clock.is_believable()


def test_the_command_reports_normal_sweeps(clock: time_machine.Traveller) -> None:
    said = StringIO()
    call_command("sweep_clock", stdout=said)
    assert said.getvalue().splitlines()[2:] == [
        "the last sweep:       none",
        "Sweeps delete by age as usual.",
    ]
