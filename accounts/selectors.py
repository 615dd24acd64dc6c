"""Reading about people and what they may have."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import Plan, User


def plan_of(user: int) -> Plan | None:
    """The plan that counts for a user: their own, or the default one; None where there is neither."""
    own = User.objects.filter(pk=user).values("plan")
    # A plan of one's own is not the default one, or both are the same row.
    return Plan.objects.filter(Q(pk__in=own) | Q(is_default=True)).order_by("is_default").first()


def users_of(plan: Plan) -> QuerySet[User]:
    """The users for whom a plan counts."""
    return User.objects.filter(Q(plan=plan) | Q(plan__isnull=True) if plan.is_default else Q(plan=plan))
