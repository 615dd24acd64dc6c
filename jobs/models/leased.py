"""Fields, constraints and indexes of tables whose rows are queued and leased by workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.db import models
from django.db.models import Q

from common.ids import new_id


class LeaseState(models.TextChoices):
    """The states of a leased row. Tables that delete finished rows allow fewer of them."""

    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


WAITING: Final = Q(state="queued", dispatched_at__isnull=True)
SENT: Final = Q(state="queued", dispatched_at__isnull=False)
IN_FLIGHT: Final = Q(state__in=["queued", "running"], dispatched_at__isnull=False)
RUNNING: Final = Q(state="running")


class Leased(models.Model):
    """A row of a `Line` (jobs/queue/line.py). The subclass adds `user`, whose window the row counts in.

    - `dispatched_at`: when the broker got a message for it; null if the broker has none.
    - `not_before`: the end of its back-off.
    - `attempts`: how often it was claimed.
    - `lease_token`, `lease_until`: the current claim, and when it expires unless renewed.
    - `started_at`: the time of its last claim.
    """

    State = LeaseState

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    state = models.CharField(max_length=10, choices=LeaseState.choices, default=LeaseState.QUEUED)
    error_code = models.CharField(max_length=64, blank=True)
    error_sentence = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        user_id: int
        objects: ClassVar[Any]


def lease_constraints(name: str) -> list[models.CheckConstraint]:
    """A row has a lease only while it runs. A failed row has an error code and a sentence."""
    leased = Q(lease_token__isnull=False, lease_until__isnull=False)
    free = Q(lease_token__isnull=True, lease_until__isnull=True)
    return [
        models.CheckConstraint(
            name=f"{name}_leased_when_running",
            condition=(RUNNING & leased) | (~RUNNING & free),
        ),
        models.CheckConstraint(
            name=f"{name}_failed_says_why",
            condition=(Q(state="failed") & ~Q(error_code="") & ~Q(error_sentence=""))
            | (~Q(state="failed") & Q(error_code="")),
        ),
    ]


def states_constraint(name: str, states: tuple[str, ...]) -> models.CheckConstraint:
    """Limits the rows of a table to these states."""
    return models.CheckConstraint(name=f"{name}_state_known", condition=Q(state__in=states))


def line_indexes(
    name: str, *, lane: tuple[str, ...] = (), order: tuple[str, ...] = ("id",)
) -> list[models.Index]:
    """Partial indexes for the queries of a line: waiting, in flight, expired leases and lost messages."""
    return [
        models.Index(fields=["user", *lane, *order], condition=WAITING, name=f"{name}_waiting"),
        models.Index(fields=["user", *lane], condition=IN_FLIGHT, name=f"{name}_in_flight"),
        models.Index(fields=["lease_until"], condition=RUNNING, name=f"{name}_leases"),
        models.Index(fields=["dispatched_at"], condition=SENT, name=f"{name}_sent"),
    ]
