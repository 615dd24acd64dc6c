"""The permission that each act of a moderator needs."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied

from accounts.models import User
from jobs.models import Case

ASSIGN = "assign_case"
UNDO = "undo_decision"
ANSWER = "answer_appeal"
REFUSE = "add_refusedpicture"


def require(moderator: User, codename: str) -> None:
    """Raises PermissionDenied where the moderator lacks a permission of the jobs app."""
    if not moderator.has_perm(f"jobs.{codename}"):
        raise PermissionDenied(f"This needs the permission {codename}.")


def require_not_own(moderator: User, case: Case) -> None:
    """Raises PermissionDenied for a case about the moderator's own account."""
    if case.user_id == moderator.pk:
        raise PermissionDenied("Nobody decides about their own account.")
