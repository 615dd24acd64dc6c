"""Constraints of cases, flags, decisions and appeals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from jobs.models import Appeal, Case, Decision, DecisionAction, Flag, FlagKind
from jobs.moderation.services import deciding, flag
from tests.jobs.test_models import refused

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("case_has_target", {"target": None}),
        ("case_has_target", {"kind": "account"}),
        ("case_decided_has_time", {"state": "decided"}),
        ("case_decided_has_time", {"state": "appealed"}),
        ("case_decided_has_time", {"decided_at": NOW}),
    ],
)
def test_constraints_of_cases(case: Case, constraint: str, facts: dict[str, Any]) -> None:
    refused(Case.objects.filter(pk=case.pk), constraint, **facts)


def test_an_assigned_case_has_its_time(case: Case, moderator: User) -> None:
    refused(Case.objects.filter(pk=case.pk), "case_assigned_has_time", assigned_to=moderator)


def test_a_target_and_an_account_have_one_open_case(case: Case, user: User) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Case.objects.create(user=user, kind=case.kind, target=case.target)
    flag(FlagKind.BURST_OF_UPLOADS, user=user)
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Case.objects.create(user=user, kind="account")
    Case.objects.create(user=user, kind=case.kind, target=case.target, state="decided", decided_at=NOW)
    Case.objects.create(user=user, kind=case.kind, target=uuid4())
    assert Case.objects.count() == 4


def test_a_case_has_one_flag_of_a_kind(case: Case) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Flag.objects.create(case=case, kind=FlagKind.EXPLICIT_CONTENT)
    assert Flag.objects.count() == 1


def test_constraints_of_decisions_and_appeals(case: Case, moderator: User) -> None:
    made = deciding.decide(case, DecisionAction.DELETE, moderator, reason="r", message="m")
    rows = Decision.objects.filter(pk=made.pk)
    refused(rows, "decision_deletion_stays", undone_at=NOW)
    refused(rows, "decision_suspension_has_end", action="suspend")
    refused(rows, "decision_suspension_has_end", until=NOW + timedelta(days=1))
    Appeal.objects.create(decision=made, words="No.")
    refused(Appeal.objects.all(), "appeal_answered_is_complete", answered_at=NOW)
    refused(Appeal.objects.all(), "appeal_answered_is_complete", upheld=True)
