"""Taking and releasing cases: one moderator at a time works on a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import AuditAction, User
from accounts.services import audit
from jobs.errors import WrongStateError
from jobs.models import Case, Severity
from jobs.moderation.services import permission
from jobs.moderation.services.flagging import open_case

# A case that was taken is free again after this time.
TAKEN_FOR: Final = timedelta(minutes=30)
PENDING: Final = (Case.State.OPEN, Case.State.APPEALED)


def available_to(moderator: User) -> Q:
    """The condition for cases that nobody else works on."""
    free = Q(assigned_to__isnull=True) | Q(assigned_at__lte=timezone.now() - TAKEN_FOR)
    return free | Q(assigned_to=moderator)


def take(case: Case, moderator: User) -> None:
    """Assigns a case to a moderator, for TAKEN_FOR. Taking it again starts the time anew.

    Raises PermissionDenied, and WrongStateError where somebody else works on it or it is decided.
    """
    permission.require(moderator, permission.ASSIGN)
    permission.require_not_own(moderator, case)
    pending = Case.objects.filter(pk=case.pk, state__in=PENDING)
    with transaction.atomic():
        taken = pending.filter(available_to(moderator)).update(
            assigned_to=moderator, assigned_at=timezone.now()
        )
        if not taken:
            raise not_available(case)
        audit.record(AuditAction.CASE_TAKEN, subject=None, on=case, actor=moderator)


def release(case: Case, moderator: User) -> bool:
    """Gives a case back. Returns False where it was not the moderator's. Raises PermissionDenied."""
    permission.require(moderator, permission.ASSIGN)
    with transaction.atomic():
        released = Case.objects.filter(pk=case.pk, assigned_to=moderator, state__in=PENDING).update(
            assigned_to=None, assigned_at=None
        )
        if released:
            audit.record(AuditAction.CASE_RELEASED, subject=None, on=case, actor=moderator)
    return bool(released)


def not_available(case: Case) -> WrongStateError:
    """The error for a case that a conditional UPDATE did not find."""
    state = Case.objects.filter(pk=case.pk).values_list("state", flat=True).first()
    if state in PENDING:
        minutes = int(TAKEN_FOR.total_seconds() // 60)
        sentence = f"Another moderator works on this case. It is free at most {minutes} minutes after that."
        return WrongStateError("case_taken", sentence)
    return WrongStateError("case_decided", "This case is decided already. Reload the page to see how.")


def open_account_case(person: User, moderator: User) -> Case:
    """Opens a case about an account that nothing led to, and takes it; an open one is taken instead.

    Raises PermissionDenied, and WrongStateError where somebody else works on the open one.
    """
    permission.require(moderator, permission.ASSIGN)
    with transaction.atomic():
        case = open_case(person.pk, Severity.MEDIUM)
        take(case, moderator)
    return case
