"""Bursts of sign-ups and of pictures flag accounts, once a day, and block nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditAction, AuditOrigin, Entry, User
from accounts.services import audit
from jobs.models import CaseKind, Flag, FlagKind
from jobs.moderation.services import bursts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thresholds(settings: Settings) -> None:
    settings.FLAG_SIGN_UPS_AN_HOUR = 3
    settings.FLAG_NEW_PICTURES_AN_HOUR = 100
    settings.NEW_ACCOUNT_DAYS = 7


@pytest.fixture
def signed_up(make_user: Callable[..., User]) -> Callable[[str], User]:
    """Signs up an account from an address."""

    def sign_up(address: str) -> User:
        user = make_user()
        entry = audit.record(AuditAction.SIGNED_UP, subject=user, actor=user)
        AuditOrigin.objects.create(entry=entry, address=address)
        return user

    return sign_up


def charge(user: User, pictures: int, kind: str = Entry.Kind.CHARGE) -> None:
    """Writes an entry of the ledger."""
    month = timezone.now().date().replace(day=1)
    Entry.objects.create(user=user, kind=kind, pictures=pictures, pixels=1, job=uuid4(), month=month)


def flagged(kind: FlagKind) -> set[int]:
    """The accounts flagged for this."""
    flags = Flag.objects.filter(kind=kind, case__kind=CaseKind.ACCOUNT)
    return set(flags.values_list("case__user", flat=True))


def test_sign_ups_of_one_network_beyond_the_number_are_flagged_once(
    signed_up: Callable[[str], User],
) -> None:
    near = [signed_up(f"192.0.2.{number}") for number in (1, 1, 77)]
    signed_up("192.0.3.1")
    assert bursts.look() == 0

    near.append(signed_up("192.0.2.200"))
    assert (bursts.look(), bursts.look()) == (4, 0)
    assert flagged(FlagKind.BURST_OF_SIGN_UPS) == {user.pk for user in near}
    assert {str(flag.facts) for flag in Flag.objects.all()} == {"{'sign_ups': 4}"}
    assert all(user.is_active for user in User.objects.all())


def test_a_network_of_ipv6_is_a_64(signed_up: Callable[[str], User]) -> None:
    for number in range(4):
        signed_up(f"2001:db8:0:1::{number}")
        signed_up(f"2001:db8:0:{number + 2}::1")
    assert bursts.look() == 4


def test_sign_ups_of_more_than_an_hour_ago_do_not_count(signed_up: Callable[[str], User]) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=61)):
        signed_up("192.0.2.1")
    for _ in range(3):
        signed_up("192.0.2.1")
    assert bursts.look() == 0


def test_an_erased_account_is_not_flagged(signed_up: Callable[[str], User]) -> None:
    users = [signed_up("192.0.2.1") for _ in range(4)]
    users[0].delete()
    assert bursts.look() == 3


def test_many_pictures_of_a_new_account_are_flagged_once_a_day(user: User, stranger: User) -> None:
    charge(user, 60)
    charge(stranger, 100)
    charge(user, 500, Entry.Kind.REFUND)
    assert bursts.look() == 0

    charge(user, 41)
    assert (bursts.look(), bursts.look()) == (1, 0)
    flag = Flag.objects.get()
    assert (flag.kind, flag.facts, flag.score) == (FlagKind.BURST_OF_UPLOADS, {"pictures": 101}, None)
    assert flagged(FlagKind.BURST_OF_UPLOADS) == {user.pk}


def test_pictures_of_an_old_account_or_of_long_ago_are_not_flagged(user: User, stranger: User) -> None:
    User.objects.filter(pk=user.pk).update(date_joined=timezone.now() - timedelta(days=8))
    charge(user, 1_000)
    with time_machine.travel(timezone.now() - timedelta(minutes=61)):
        charge(stranger, 1_000)
    assert bursts.look() == 0


def test_staff_are_not_flagged(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    charge(user, 1_000)
    assert bursts.look() == 0


def test_zero_switches_the_look_off(user: User, settings: Settings, signed_up: Callable[[str], User]) -> None:
    settings.FLAG_SIGN_UPS_AN_HOUR = settings.FLAG_NEW_PICTURES_AN_HOUR = 0
    for _ in range(5):
        charge(signed_up("192.0.2.1"), 1_000)
    with CaptureQueriesContext(connection) as queries:
        assert bursts.look() == 0
    assert len(queries) == 0


@pytest.mark.usefixtures("valkey")
def test_the_scheduler_looks(user: User) -> None:
    charge(user, 101)
    call_command("dispatch", once=True)
    assert flagged(FlagKind.BURST_OF_UPLOADS) == {user.pk}
