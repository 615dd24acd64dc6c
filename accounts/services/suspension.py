"""Suspension of an account: nobody can sign in or use its tokens, and its work stops.

Nothing is revoked, so lifting a suspension restores the tokens. Sessions end for good.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.errors import SuspensionRefusedError
from accounts.models import AuditAction, User
from accounts.services import audit, sessions
from common.after_commit import after_commit

_listeners: Final[list[Callable[[int], object]]] = []
_explanation: Callable[[int], str] | None = None


def on_suspension(listener: Callable[[int], object]) -> None:
    """Register a listener, called with a user's id after the commit of a suspension."""
    _listeners.append(listener)


def register_explanation(path_of: Callable[[int], str]) -> None:
    """Register what returns the path of the page that explains an account's suspension, or ""."""
    global _explanation
    _explanation = path_of


def explanation_of(user: User) -> str:
    """The path of the page where a suspended person reads why, and can answer; "" if there is none."""
    return _explanation(user.pk) if _explanation else ""


def in_force(prefix: str = "") -> Q:
    """The condition for accounts that are suspended now. prefix: the way to the user, such as `user__`."""
    return Q(**{f"{prefix}suspended_at__isnull": False}) & (
        Q(**{f"{prefix}suspended_until__isnull": True})
        | Q(**{f"{prefix}suspended_until__gt": timezone.now()})
    )


def suspend(user: User, *, until: datetime | None, reason: str) -> None:
    """Suspend an account until a time, or for good (None). A later suspension replaces an earlier one.

    reason: for the audit log; the person can read it there. Ends sessions and event streams, and cancels the
    account's work after the commit. Raises SuspensionRefusedError for staff, and for an end that has passed.
    """
    now = timezone.now()
    if until is not None and until <= now:
        raise SuspensionRefusedError("end_has_passed", "Choose an end in the future.")
    with transaction.atomic():
        # Staff are checked in the UPDATE, because a role may be given at the same moment.
        suspended = User.objects.filter(pk=user.pk, is_staff=False, is_superuser=False).update(
            suspended_at=now, suspended_until=until
        )
        if not suspended:
            raise SuspensionRefusedError(
                "staff_account",
                "This account belongs to the staff. An administrator must end its role first.",
            )
        facts = {"until": until.isoformat() if until else None}
        audit.record(AuditAction.SUSPENDED, subject=user, on=user, reason=reason, facts=facts)
        sessions.end_all(user.pk)
        for listener in _listeners:
            after_commit(listener, user.pk)
    user.suspended_at, user.suspended_until = now, until


def lift(user: User) -> bool:
    """Lift a suspension. Tokens work again; sessions and cancelled work do not come back.

    Returns whether the account was suspended.
    """
    with transaction.atomic():
        lifted = User.objects.filter(pk=user.pk, suspended_at__isnull=False).update(
            suspended_at=None, suspended_until=None
        )
        if lifted:
            audit.record(AuditAction.SUSPENSION_LIFTED, subject=user, on=user)
    user.suspended_at = user.suspended_until = None
    return bool(lifted)
