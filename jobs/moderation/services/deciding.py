"""Decisions: one case, many at once, and undoing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditAction, User
from accounts.services import audit
from common.deadlocks import again_after_deadlock
from common.errors import SiteError
from jobs.errors import ModerationError, WrongStateError
from jobs.models import Appeal, Case, Decision, DecisionAction
from jobs.moderation.services import assigning, effects, notices, permission

CASES_AT_ONCE: Final = 100
MAX_REASON: Final = 500


@dataclass
class BulkResult:
    """What became of many cases: the decisions, and a sentence for each case that could not be decided."""

    decided: list[Decision] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@again_after_deadlock
def decide(
    case: Case,
    action: DecisionAction,
    moderator: User,
    *,
    reason: str,
    message: str = "",
    until: datetime | None = None,
    further: bool = False,
) -> Decision:
    """Decides a case, does what the decision says, and tells the person.

    reason: for staff. message: what the person reads; only an approval needs none. until: the end of a
    suspension. further: decide something else as well about a case that is decided.

    Raises PermissionDenied; ModerationError for missing or unsuitable values; WrongStateError where somebody
    else works on the case, or it is decided (with `further`: not decided yet); SuspensionRefusedError.
    """
    permission.require(moderator, f"decide_{action.value}")
    permission.require_not_own(moderator, case)
    reason, message = reason.strip(), message.strip()
    _check(action, reason, message, until)
    now = timezone.now()
    wanted = [Case.State.DECIDED, Case.State.APPEALED] if further else [Case.State.OPEN]
    with transaction.atomic():
        open_case = Case.objects.filter(assigning.available_to(moderator), pk=case.pk, state__in=wanted)
        changes = {} if further else {"state": Case.State.DECIDED, "decided_at": now}
        if not open_case.update(assigned_to=moderator, assigned_at=now, **changes):
            raise assigning.not_available(case)
        decision: Decision = Decision.objects.create(
            case=case,
            user_id=case.user_id,
            action=action,
            moderator=moderator,
            reason=reason,
            message=message,
            until=until,
        )
        _record(AuditAction.DECIDED, decision, moderator)
        effects.apply(decision, case)
        unanswered = Appeal.objects.filter(decision__case=case.pk, answered_at__isnull=True)
        if unanswered.exists():
            # Left over from before the case was opened again: it must not drop out of the queue.
            Case.objects.filter(pk=case.pk, state=Case.State.DECIDED).update(
                state=Case.State.APPEALED, assigned_to=None, assigned_at=None
            )
        if action in Decision.AGAINST:
            notices.tell_decision(decision)
    return decision


def decide_many(
    cases: Collection[UUID],
    action: DecisionAction,
    moderator: User,
    *,
    reason: str,
    message: str = "",
    until: datetime | None = None,
) -> BulkResult:
    """Decides many cases alike, each in a transaction of its own. A case that is refused stops no other.

    Raises PermissionDenied, and ModerationError for values that are missing and for too many cases.
    """
    permission.require(moderator, f"decide_{action.value}")
    _check(action, reason.strip(), message.strip(), until)
    if len(cases) > CASES_AT_ONCE:
        raise ModerationError("too_many_cases", f"Choose at most {CASES_AT_ONCE} cases at once.")
    result = BulkResult()
    for case in Case.objects.filter(pk__in=cases).select_related("user").order_by("pk"):
        try:
            made = decide(case, action, moderator, reason=reason, message=message, until=until)
        except PermissionDenied as error:
            result.refused.append(f"{case}: {error}")
        except SiteError as error:
            result.refused.append(f"{case}: {error.sentence}")
        else:
            result.decided.append(made)
    return result


@again_after_deadlock
def undo(decision: Decision, moderator: User) -> None:
    """Undoes a decision and tells the person. Undoing an approval opens its case again.

    Raises PermissionDenied; WrongStateError for a deletion, and where it was undone before.
    """
    permission.require(moderator, permission.UNDO)
    permission.require_not_own(moderator, decision.case)
    with transaction.atomic():
        undo_now(decision, moderator)


def undo_now(decision: Decision, moderator: User) -> None:
    """As `undo`, in the caller's transaction and without asking for the permission."""
    if decision.action not in Decision.UNDOABLE:
        raise WrongStateError("cannot_be_undone", "A deletion cannot be undone: its files are gone.")
    now = timezone.now()
    undone = Decision.objects.filter(pk=decision.pk, undone_at__isnull=True).update(
        undone_at=now, undone_by=moderator
    )
    if not undone:
        raise WrongStateError("undone_already", "This decision is undone already.")
    _record(AuditAction.DECISION_UNDONE, decision, moderator)
    effects.revert(decision, decision.case)
    if decision.action in Decision.AGAINST:
        notices.tell_undone(decision)


def _check(action: DecisionAction, reason: str, message: str, until: datetime | None) -> None:
    if not reason:
        raise ModerationError("reason_missing", "Write down why. Only the staff reads the reason.")
    if len(reason) > MAX_REASON:
        raise ModerationError("too_long", f"A reason has at most {MAX_REASON} characters.")
    if action in Decision.AGAINST and not message:
        raise ModerationError("message_missing", "Write what the person shall read about the decision.")
    if len(message) > Decision.MAX_WORDS:
        raise ModerationError("too_long", f"A message has at most {Decision.MAX_WORDS} characters.")
    if action == DecisionAction.SUSPEND and (until is None or until <= timezone.now()):
        raise ModerationError("end_missing", "Choose an end of the suspension in the future.")
    if action != DecisionAction.SUSPEND and until is not None:
        raise ModerationError("end_not_wanted", "Only a suspension has an end.")


def _record(action: AuditAction, decision: Decision, moderator: User) -> None:
    # An approval says nothing against the person, whose page of activity does not show it.
    subject = decision.user_id if decision.action in Decision.AGAINST else None
    facts = {"action": decision.action, "decision": str(decision.pk)}
    audit.record(
        action, subject=subject, on=decision.case, actor=moderator, reason=decision.message, facts=facts
    )
