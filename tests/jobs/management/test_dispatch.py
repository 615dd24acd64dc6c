"""`manage.py dispatch`: the scheduler's round."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Discard, Picture, Upload
from jobs.services import discards, lines, removal
from tests.conftest import make_upload
from tests.jobs.factories import bare_job, pictures_of, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def test_one_round_sends_recovers_and_sweeps(
    user: User, settings: Settings, queued: Callable[[str], list[str]]
) -> None:
    settings.LEASE_SECONDS, settings.UPLOAD_HOURS = 20, 24
    dead, waiting = pictures_of(bare_job(user, 2))
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        lines.PICTURES.claim(dead.pk)
        make_upload(user)
    storage.write("left/behind", b"1")
    Discard.objects.create(key="left/behind")

    call_command("dispatch", once=True)
    assert queued("batch") == [str(dead.pk), str(waiting.pk)]
    assert set(Picture.objects.values_list("state", flat=True)) == {"queued"}
    assert stored_files() == []
    assert not Upload.objects.exists()
    assert not Discard.objects.exists()

    call_command("dispatch", once=True)
    assert queued("batch") == [str(dead.pk), str(waiting.pk)], "nothing is sent twice"


def test_a_round_sweeps_to_the_end(user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deleted job of thousands is gone after a round, not after an hour of rounds."""
    monkeypatch.setattr(removal, "SWEEP", 3)
    monkeypatch.setattr(discards.sweep_discards, "__defaults__", (3,))
    for number in range(10):
        storage.write(f"many/{number}", b"1")
        Discard.objects.create(key=f"many/{number}")
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        for number in range(7):
            make_upload(user, f"{number}.png")
    call_command("dispatch", once=True)
    assert stored_files() == []
    assert not Upload.objects.exists()


def test_a_file_that_cannot_be_deleted_does_not_keep_a_round_from_ending(user: User) -> None:
    storage.write("stuck/inside", b"1")
    Discard.objects.create(key="stuck")
    call_command("dispatch", once=True)
    assert Discard.objects.count() == 1


def test_a_round_without_redis_changes_nothing(
    user: User, redis_away: Callable[[], AbstractContextManager[None]], queued: Callable[[str], list[str]]
) -> None:
    bare_job(user, 2)
    with redis_away():
        call_command("dispatch", once=True)
        assert not Picture.objects.filter(dispatched_at__isnull=False).exists()
    call_command("dispatch", once=True)
    assert len(queued("batch")) == 2
