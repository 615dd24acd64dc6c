"""Quotas: charges, refunds, refusals, and a ledger that adds up to the counters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from accounts import months, selectors
from accounts.errors import QuotaExceededError
from accounts.models import Entry, Plan, Storage, Usage, User
from accounts.selectors import Allowed, Meter
from accounts.services import quota, tokens

pytestmark = pytest.mark.django_db
JOB = UUID(int=7)


@pytest.fixture
def plan() -> Plan:
    """The default plan."""
    return Plan.objects.get(is_default=True)


def limit(plan: Plan, **limits: int | None) -> None:
    Plan.objects.filter(pk=plan.pk).update(**limits)


def charge(user: User, pictures: int = 1, pixels: int = 0, **more: Any) -> datetime | None:
    with transaction.atomic():
        return quota.charge(user, pictures=pictures, pixels=pixels, job=JOB, **more)


def refused(user: User, pictures: int = 1, pixels: int = 0) -> QuotaExceededError:
    before = (list(Usage.objects.values_list("pictures", "pixels")), Entry.objects.count())
    with pytest.raises(QuotaExceededError) as caught:
        charge(user, pictures, pixels)
    assert (list(Usage.objects.values_list("pictures", "pixels")), Entry.objects.count()) == before
    return caught.value


def counted(user: User, month: date | None = None) -> tuple[int, int]:
    row = Usage.objects.get(user=user, month=month or months.this_month())
    return row.pictures, row.pixels


def adds_up() -> None:
    """Assert that each counter is the sum of its month's entries."""
    sums: dict[tuple[int, date], list[int]] = {}
    for entry in Entry.objects.all():
        total = sums.setdefault((entry.user_id, entry.month), [0, 0])
        sign = 1 if entry.kind == Entry.Kind.CHARGE else -1
        total[0] += sign * entry.pictures
        total[1] += sign * entry.pixels
    assert {(row.user_id, row.month): [row.pictures, row.pixels] for row in Usage.objects.all()} == sums


def test_without_limits_everything_is_counted_and_nothing_refused(user: User) -> None:
    assert selectors.allowed(user) == Allowed(None, None, None, None)
    token, _ = tokens.create(user, "script", ["submit"])
    charge(user, 5_000, 10**12, token=token)
    charge(user, 1, 7)
    assert counted(user) == (5_001, 10**12 + 7)
    first, second = Entry.objects.order_by("id")
    assert (first.kind, first.pictures, first.pixels, first.job) == ("charge", 5_000, 10**12, JOB)
    assert (first.token, second.token, first.reason) == (token, None, "submitted")
    assert first.month == second.month == months.this_month()
    adds_up()


def test_the_picture_limit_is_exact(user: User, plan: Plan) -> None:
    limit(plan, pictures_month=50)
    charge(user, 49)
    error = refused(user, 2)
    assert (error.code, error.limit, error.used, error.status) == ("pictures_used_up", 50, 49, 429)
    assert error.resets_at == months.end_of(months.this_month())
    assert error.sentence.startswith("You may submit 50 pictures a month, and 1 are left.")
    charge(user, 1)
    assert refused(user).used == 50
    assert counted(user) == (50, 0)
    adds_up()


def test_the_megapixel_limit_is_exact(user: User, plan: Plan) -> None:
    limit(plan, megapixels_month=3)
    charge(user, 1, 2_999_999)
    error = refused(user, 1, 2)
    assert (error.code, error.limit, error.used) == ("megapixels_used_up", 3_000_000, 2_999_999)
    charge(user, 1, 1)
    assert counted(user) == (2, 3_000_000)


@pytest.mark.parametrize("name", ["pictures_month", "megapixels_month"])
def test_a_limit_of_zero_allows_nothing(user: User, plan: Plan, name: str) -> None:
    limit(plan, **{name: 0})
    assert refused(user, 1, 1).limit == 0


def test_more_than_the_limit_at_once_is_refused_on_the_first_of_the_month(user: User, plan: Plan) -> None:
    limit(plan, pictures_month=3)
    with pytest.raises(QuotaExceededError):
        charge(user, 4)
    assert not Entry.objects.exists()
    assert not Usage.objects.exists()


def test_a_refused_charge_writes_nothing_inside_a_transaction_that_goes_on(user: User, plan: Plan) -> None:
    limit(plan, pictures_month=0)
    with transaction.atomic():
        with pytest.raises(QuotaExceededError), transaction.atomic():
            quota.charge(user, pictures=1, pixels=1, job=JOB)
        charge_later = Entry.objects.count()
    assert charge_later == 0
    assert not Entry.objects.exists()


def test_a_users_own_limits_override_the_plans(make_user: Callable[..., User], plan: Plan) -> None:
    limit(plan, pictures_month=5, megapixels_month=2, storage_bytes=9, in_flight=3)
    usual = make_user()
    better = make_user(pictures_month=7, in_flight=0)
    assert selectors.allowed(usual) == Allowed(5, 2_000_000, 9, 3)
    assert selectors.allowed(better) == Allowed(7, 2_000_000, 9, 0)
    other = make_user(plan=Plan.objects.create(name="other"))
    assert selectors.allowed(other) == Allowed(None, None, None, None)
    Plan.objects.all().delete()
    usual.refresh_from_db()
    assert selectors.allowed(usual) == Allowed(None, None, None, None)


def test_users_have_separate_quotas(user: User, stranger: User, plan: Plan) -> None:
    limit(plan, pictures_month=1)
    charge(user)
    charge(stranger)
    refused(user)
    assert counted(user) == counted(stranger) == (1, 0)


def test_a_month_starts_in_utc(user: User, plan: Plan) -> None:
    limit(plan, pictures_month=1)
    with time_machine.travel(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), tick=False) as clock:
        charge(user)
        assert refused(user).resets_at == datetime(2027, 1, 1, tzinfo=UTC)
        clock.shift(timedelta(seconds=1))
        charge(user)
        assert refused(user).resets_at == datetime(2027, 2, 1, tzinfo=UTC)
    assert counted(user, date(2026, 12, 1)) == counted(user, date(2027, 1, 1)) == (1, 0)
    adds_up()


def test_a_refund_goes_to_the_month_of_its_charge(user: User, plan: Plan) -> None:
    limit(plan, pictures_month=2)
    with time_machine.travel(datetime(2026, 11, 30, 12, tzinfo=UTC), tick=False) as clock:
        charged_at = charge(user, 2, 10)
        assert charged_at is not None
        clock.shift(timedelta(days=1))
        charge(user, 2, 20)
        quota.refund(user.pk, pictures=1, pixels=5, job=JOB, reason="cancelled", charged_at=charged_at)
        refused(user)
    assert counted(user, date(2026, 11, 1)) == (1, 5)
    assert counted(user, date(2026, 12, 1)) == (2, 20)
    entry = Entry.objects.get(kind="refund")
    assert (entry.month, entry.at.date()) == (date(2026, 11, 1), date(2026, 12, 1))
    adds_up()


def test_a_refund_restores_the_quota(user: User, plan: Plan) -> None:
    limit(plan, pictures_month=1)
    charged_at = charge(user, 1, 6)
    assert charged_at is not None
    quota.refund(user.pk, pictures=1, pixels=6, job=JOB, reason="internal_error", charged_at=charged_at)
    assert counted(user) == (0, 0)
    charge(user)
    refused(user)
    adds_up()


def test_an_empty_charge_writes_no_entry(user: User) -> None:
    assert charge(user, 0, 0) is None
    quota.refund(user.pk, pictures=0, pixels=0, job=JOB, reason="x", charged_at=datetime.now(UTC))
    assert not Entry.objects.exists()
    assert not Usage.objects.exists()


def test_a_charge_needs_few_queries(
    user: User, plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limit(plan, pictures_month=10, megapixels_month=10)
    charge(user)
    with transaction.atomic(), django_assert_num_queries(3):
        quota.charge(user, pictures=1, pixels=1, job=uuid4())


def test_the_storage_limit_is_exact(user: User, plan: Plan) -> None:
    limit(plan, storage_bytes=100)
    with transaction.atomic():
        quota.add_storage(user, 60)
    quota.check_storage(user, 40)
    with pytest.raises(QuotaExceededError) as caught:
        quota.check_storage(user, 41)
    assert (caught.value.code, caught.value.limit, caught.value.used) == ("storage_full", 100, 60)
    assert caught.value.resets_at is None
    with pytest.raises(QuotaExceededError), transaction.atomic():
        quota.add_storage(user, 41)
    with transaction.atomic():
        quota.add_storage(user, 40)
    assert Storage.objects.get(user=user).bytes == 100
    # A result that is the last to fit is kept; after it nothing else fits.
    quota.grow_storage(user.pk, 5)
    assert Storage.objects.get(user=user).bytes == 105
    with pytest.raises(QuotaExceededError), transaction.atomic():
        quota.add_storage(user, 1)
    quota.free_storage(user.pk, 6)
    with transaction.atomic():
        quota.add_storage(user, 1)
    assert Storage.objects.get(user=user).bytes == 100


def test_a_wrong_counter_does_not_prevent_deletion(user: User) -> None:
    quota.free_storage(user.pk, 5)
    assert Storage.objects.get(user=user).bytes == 0
    charged_at = charge(user, 1, 1)
    assert charged_at is not None
    quota.refund(user.pk, pictures=2, pixels=2, job=JOB, reason="x", charged_at=charged_at)
    assert counted(user) == (0, 0)


def test_usage_reports_used_and_left(user: User, plan: Plan) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        assert selectors.usage_of(user) == [
            Meter("pictures", None, 0, ends),
            Meter("pixels", None, 0, ends),
            Meter("storage", None, 0),
            Meter("in_flight", None, 0),
        ]
        limit(plan, pictures_month=5, megapixels_month=2, storage_bytes=100, in_flight=3)
        charge(user, 2, 500_000)
        quota.grow_storage(user.pk, 150)
        meters = selectors.usage_of(user)
    assert [(meter.used, meter.limit, meter.left) for meter in meters] == [
        (2, 5, 3),
        (500_000, 2_000_000, 1_500_000),
        (150, 100, 0),
        (0, 3, 3),
    ]


def test_usage_needs_a_constant_number_of_queries(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        charge(user)
    with django_assert_num_queries(6):
        selectors.usage_of(user)


@pytest.mark.parametrize(
    ("model", "facts", "constraint"),
    [
        (Entry, {"kind": "gift"}, "entry_kind_known"),
        (Entry, {"pictures": 0}, "entry_not_empty"),
        (Usage, {"month": date(2026, 11, 2)}, "usage_month_begins"),
        (Storage, {"bytes": -1}, "storage_not_below_zero"),
    ],
)
def test_database_constraints(user: User, model: Any, facts: dict[str, Any], constraint: str) -> None:
    usual: dict[Any, dict[str, Any]] = {
        Entry: {"kind": "charge", "pictures": 1, "pixels": 1, "job": JOB, "month": date(2026, 11, 1)},
        Usage: {"month": date(2026, 11, 1)},
        Storage: {},
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model.objects.create(user=user, **{**usual[model], **facts})


def test_one_usage_row_per_month_and_never_negative(user: User) -> None:
    Usage.objects.create(user=user, month=date(2026, 11, 1))
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Usage.objects.create(user=user, month=date(2026, 11, 1))
    with pytest.raises(IntegrityError, match=r"(?i)check"), transaction.atomic():
        Usage.objects.update(pictures=-1)
