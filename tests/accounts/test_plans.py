"""Database constraints on plans, and which plan applies to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from accounts import selectors
from accounts.models import Plan, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_plans() -> None:
    Plan.objects.all().delete()


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [({"keep_days": 0}, "plan_keeps_a_day"), ({"weight": 0}, "plan_has_weight")],
)
def test_an_invalid_plan_is_refused(facts: dict[str, int], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Plan.objects.create(name="odd", **facts)
    assert not Plan.objects.exists()


def test_only_one_plan_is_the_default() -> None:
    Plan.objects.create(name="one", is_default=True)
    for name, is_default in (("two", True), ("one", False)):
        with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
            Plan.objects.create(name=name, is_default=is_default)
    Plan.objects.create(name="three")
    Plan.objects.create(name="four")
    assert Plan.objects.count() == 3


def test_every_named_constraint_has_a_test() -> None:
    """Every constraint is tested: here, or with the users, tokens or quotas."""
    models = apps.get_app_config("accounts").get_models()
    assert {constraint.name for model in models for constraint in model._meta.constraints} == {
        "entry_kind_known",
        "entry_not_empty",
        "plan_has_weight",
        "plan_keeps_a_day",
        "plan_one_default",
        "storage_not_below_zero",
        "token_has_name",
        "usage_month_begins",
        "usage_not_below_zero",
        "usage_one_a_month",
        "user_email_unique_any_case",
        # tests/accounts/test_trust_models.py
        "erasure_done_has_time",
        "erasure_one_open",
        "invitation_accepted_or_revoked",
        "invitation_unanswered_once",
        "user_suspension_has_start",
    }


def test_a_users_own_plan_overrides_the_default(make_user: Callable[..., User]) -> None:
    user = make_user()
    assert selectors.plan_of(user.pk) is None
    default = Plan.objects.create(name="everybody", is_default=True)
    own = Plan.objects.create(name="best")
    assert selectors.plan_of(user.pk) == default
    with_own = make_user(plan=own)
    assert selectors.plan_of(with_own.pk) == own
    assert set(selectors.users_of(default)) == {user}
    assert set(selectors.users_of(own)) == {with_own}
    own.delete()
    assert selectors.plan_of(with_own.pk) == default
