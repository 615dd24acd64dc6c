"""What decisions do, and how it is undone."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import SuspensionRefusedError
from accounts.models import User
from accounts.services import suspension
from jobs.errors import ModerationError
from jobs.models import Case, CaseKind, Decision, DecisionAction, Job, Picture, Receipt, Share
from jobs.services import removal

# What can be hidden, by the kind of its case.
_HIDEABLE: Final[dict[str, Any]] = {CaseKind.PICTURE: Picture, CaseKind.JOB: Job, CaseKind.SHARE: Share}


def apply(decision: Decision, case: Case) -> None:
    """Does what a decision says. Call it in the transaction that writes the decision.

    Raises ModerationError where the thing is gone or the action does not suit it, and SuspensionRefusedError.
    """
    match decision.action:
        case DecisionAction.HIDE:
            found = _rows(case)
            if not found.filter(hidden_at__isnull=True).update(hidden_at=timezone.now()):
                raise _gone(case) if not found.exists() else _hidden_already()
        case DecisionAction.DELETE:
            if not _delete(case, decision.message):
                raise _gone(case)
        case DecisionAction.SUSPEND | DecisionAction.BAN:
            # A ban stays a ban, and a long suspension is not cut by a shorter one.
            strictest = _strictest(case.user_id) or decision
            suspension.suspend(case.user, until=strictest.until, reason=decision.message)


def revert(decision: Decision, case: Case) -> None:
    """Undoes a decision that was just marked as undone, unless another one still demands the same."""
    standing = Decision.objects.filter(undone_at__isnull=True)
    match decision.action:
        case DecisionAction.HIDE:
            others = standing.filter(
                action=DecisionAction.HIDE, case__kind=case.kind, case__target=case.target
            )
            if not others.exists():
                _rows(case).update(hidden_at=None)
        case DecisionAction.SUSPEND | DecisionAction.BAN:
            _lift(decision)
        case DecisionAction.APPROVE:
            _reopen(case)


def _strictest(user: int) -> Decision | None:
    """The standing ban of an account, else its suspension with the latest end in the future."""
    standing = Decision.objects.filter(
        user=user, undone_at__isnull=True, action__in=[DecisionAction.SUSPEND, DecisionAction.BAN]
    )
    ban: Decision | None = standing.filter(until__isnull=True).first()
    longest: Decision | None = standing.filter(until__gt=timezone.now()).order_by("-until").first()
    return ban or longest


def _lift(decision: Decision) -> None:
    """Lifts a suspension, or restores the strictest one that still stands beside it."""
    user = User.objects.get(pk=decision.user_id)
    left = _strictest(user.pk)
    if left is None:
        suspension.lift(user)
    elif left.until != user.suspended_until:
        # The account may have become one of the staff in the meantime.
        try:
            suspension.suspend(user, until=left.until, reason=left.message)
        except SuspensionRefusedError:
            suspension.lift(user)


def _reopen(case: Case) -> None:
    same = {"kind": case.kind, "target": case.target, "user": case.user_id, "state": Case.State.OPEN}
    if not Case.objects.filter(**same).exists():
        Case.objects.filter(pk=case.pk).update(
            state=Case.State.OPEN, decided_at=None, assigned_to=None, assigned_at=None
        )


def _rows(case: Case) -> QuerySet[Any]:
    model = _HIDEABLE.get(case.kind)
    if model is None:
        raise ModerationError("nothing_to_hide", "Only a picture, a job or a share can be hidden.")
    rows: QuerySet[Any] = model.objects.filter(pk=case.target)
    return rows


def _delete(case: Case, message: str) -> int:
    note = message[: Receipt._meta.get_field("note").max_length]
    if case.kind == CaseKind.PICTURE and case.target:
        return removal.delete_pictures([case.target], Receipt.Reason.RULES, note=note)
    if case.kind == CaseKind.JOB and case.target:
        return removal.delete_jobs([case.target], Receipt.Reason.RULES, note=note)
    raise ModerationError("nothing_to_delete", "Only a picture or a job can be deleted.")


def _gone(case: Case) -> ModerationError:
    kind = case.get_kind_display()
    return ModerationError("deleted_already", f"This {kind} is deleted already. Choose another action.")


def _hidden_already() -> ModerationError:
    return ModerationError("hidden_already", "This is hidden already. Choose another action.")
