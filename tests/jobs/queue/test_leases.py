"""The lease keeper renews the leases of this process and no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs.models import Picture
from jobs.queue.leases import LeaseKeeper
from jobs.services import lines
from tests.jobs.factories import bare_job, pictures_of
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


class Beats:
    """Counts beats."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def beats(settings: Settings) -> Beats:
    settings.LEASE_SECONDS = 0.03
    return Beats()


@pytest.fixture
def keeper(beats: Beats) -> Iterator[LeaseKeeper]:
    keeper = LeaseKeeper(beats)
    keeper.start()
    yield keeper
    keeper.stop()


def two_beats(beats: Beats) -> None:
    """Waits for two beats, because the first may have begun before the call."""
    before = beats.count
    until(lambda: beats.count >= before + 2, "two beats more")


def test_only_held_leases_are_renewed(user: User, keeper: LeaseKeeper, beats: Beats) -> None:
    mine, others = (lines.PICTURES.claim(picture.pk) for picture in pictures_of(bare_job(user, 2)))
    assert mine is not None
    assert others is not None
    with keeper.holding(lines.PICTURES, mine.token):
        before = timezone.now()
        two_beats(beats)
        assert Picture.objects.get(pk=mine.row.pk).lease_until > before
    assert Picture.objects.get(pk=others.row.pk).lease_until == others.row.lease_until

    two_beats(beats)
    let_go = Picture.objects.get(pk=mine.row.pk).lease_until
    two_beats(beats)
    assert Picture.objects.get(pk=mine.row.pk).lease_until == let_go


def test_a_lease_is_released_when_the_work_raises(user: User, keeper: LeaseKeeper, beats: Beats) -> None:
    claim = lines.PICTURES.claim(pictures_of(bare_job(user))[0].pk)
    assert claim is not None

    def work() -> None:
        with keeper.holding(lines.PICTURES, claim.token):
            raise RuntimeError("broke off")

    with pytest.raises(RuntimeError, match="broke off"):
        work()
    two_beats(beats)
    let_go = Picture.objects.get().lease_until
    two_beats(beats)
    assert Picture.objects.get().lease_until == let_go


def test_a_database_that_is_away_does_not_stop_the_beat(
    user: User, keeper: LeaseKeeper, beats: Beats, caplog: pytest.LogCaptureFixture
) -> None:
    claim = lines.PICTURES.claim(pictures_of(bare_job(user))[0].pk)
    assert claim is not None
    with keeper.holding(lines.PICTURES, claim.token):
        with patch.object(lines.PICTURES, "renew", side_effect=OperationalError("away")):
            two_beats(beats)
        before = timezone.now()
        two_beats(beats)
        assert Picture.objects.get().lease_until > before
    assert "could not renew 1 leases" in caplog.text


def test_a_stopped_keeper_has_no_thread(beats: Beats) -> None:
    keeper = LeaseKeeper(beats)
    keeper.start()
    until(lambda: beats.count, "a beat")
    keeper.stop()
    after = beats.count
    assert not any(thread.name == "lease-keeper" for thread in threading.enumerate())
    assert beats.count == after
