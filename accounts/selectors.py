"""Queries about users, limits and usage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from accounts import months
from accounts.in_flight import in_flight_of
from accounts.models import Entry, Plan, Storage, Usage, User


@dataclass(frozen=True)
class Allowed:
    """A user's limits; None is unlimited. pixels and result are in pixels, not megapixels."""

    pictures: int | None = None
    pixels: int | None = None
    storage: int | None = None
    in_flight: int | None = None
    result: int | None = None


@dataclass(frozen=True)
class Meter:
    """One metered quantity: pictures, pixels, storage (bytes) or in_flight (pictures)."""

    name: str
    limit: int | None
    used: int
    resets_at: datetime | None = None

    @property
    def left(self) -> int | None:
        """How much is left; None is unlimited."""
        return None if self.limit is None else max(0, self.limit - self.used)


def plan_of(user: int) -> Plan | None:
    """Returns a user's own plan, or the default plan; None where there is neither."""
    own = User.objects.filter(pk=user).values("plan")
    # A user's own plan sorts before the default plan.
    return Plan.objects.filter(Q(pk__in=own) | Q(is_default=True)).order_by("is_default").first()


def users_of(plan: Plan) -> QuerySet[User]:
    """Returns the users on a plan."""
    return User.objects.filter(Q(plan=plan) | Q(plan__isnull=True) if plan.is_default else Q(plan=plan))


def allowed(user: User) -> Allowed:
    """Returns a user's limits: their own where set, otherwise the plan's."""
    plan = plan_of(user.pk)

    def limit(name: str) -> int | None:
        own: int | None = getattr(user, name)
        return own if own is not None or plan is None else getattr(plan, name)

    megapixels, result = limit("megapixels_month"), limit("result_megapixels")
    return Allowed(
        pictures=limit("pictures_month"),
        pixels=None if megapixels is None else megapixels * 1_000_000,
        storage=limit("storage_bytes"),
        in_flight=limit("in_flight"),
        result=None if result is None else result * 1_000_000,
    )


def usage_of(user: User, *, month: date | None = None) -> list[Meter]:
    """Returns a user's meters: pictures, pixels, storage, in_flight, always in this order.

    month: its first day; by default the current month.
    """
    month = month or months.this_month()
    most = allowed(user)
    used = Usage.objects.filter(user=user, month=month).values_list("pictures", "pixels").first() or (0, 0)
    stored = Storage.objects.filter(user=user).values_list("bytes", flat=True).first() or 0
    ends = months.end_of(month)
    return [
        Meter("pictures", most.pictures, used[0], ends),
        Meter("pixels", most.pixels, used[1], ends),
        Meter("storage", most.storage, stored),
        Meter("in_flight", most.in_flight, in_flight_of(user.pk)),
    ]


def ledger_of(user: User, *, before: int | None = None) -> QuerySet[Entry]:
    """Returns a user's charges and refunds with their tokens, newest first. before: only entries older than
    it.
    """
    entries = Entry.objects.filter(user=user).select_related("token").order_by("-id")
    return entries if before is None else entries.filter(pk__lt=before)
