"""The one order in which rows are locked, and the one way to lock them: docs/decisions/0021.

Two transactions that take the same locks in different orders can wait for each other: a deadlock. So every
transaction takes them in the order of ORDER, and several rows of one table in the order of their keys.
Nothing else in the tree locks; the tests watch each lock and fail where one comes out of order.

On SQLite nothing is locked here: a transaction holds the whole database from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=Model)

# Rows not named here (mattes, renditions, tags, presets, continuations) are changed only by who holds the row
# above them: their picture, job or user. The counters of a month and of storage come last, by their
# UPDATE.
ORDER: Final = (
    "accounts.User",
    "jobs.Job",
    "jobs.Picture",
    "jobs.RenditionRequest",
    "jobs.Upload",
    "jobs.Backdrop",
    "jobs.Improvement",
    "jobs.WebhookEndpoint",
    "jobs.WebhookDelivery",
    "jobs.Discard",
    "accounts.Storage",
)

# Told of every lock, with its table and keys. The tests' own.
watch: Callable[[str, Collection[Any]], None] | None = None


def hold(rows: QuerySet[Any], *, to_delete: bool = False, skip_locked: bool = False) -> list[Any]:
    """Lock rows until the end of the transaction; the keys of those that are there.

    to_delete: also against new rows that refer to them. Who only changes a row must not say it: it waits for
    every transaction that writes a row which belongs to it. skip_locked: leave out what somebody else holds,
    and wait for nobody.
    """
    return [row.pk for row in fetch_held(rows.only("pk"), to_delete=to_delete, skip_locked=skip_locked)]


def fetch_held(rows: QuerySet[M], *, to_delete: bool = False, skip_locked: bool = False) -> list[M]:
    """As `hold`, but the rows themselves, as they are now."""
    found = list(_locked(rows, to_delete, skip_locked))
    if watch is not None:
        watch(rows.model._meta.label, [row.pk for row in found])
    return found


def hold_user(pk: int) -> bool:
    """Lock a user's row, and with it what is counted for the user; whether it is there."""
    from accounts.models import User

    return bool(hold(User.objects.filter(pk=pk)))


def _locked(rows: QuerySet[M], to_delete: bool, skip_locked: bool) -> QuerySet[M]:
    if not connection.in_atomic_block:
        raise TransactionManagementError("A lock outside of a transaction holds nothing.")
    label = rows.model._meta.label
    if label not in ORDER:
        raise ValueError(f"{label} has no place in the order of locks.")
    # A slice was ordered by whoever cut it.
    ordered = rows if rows.query.is_sliced else rows.order_by("pk")
    return ordered.select_for_update(of=("self",), no_key=not to_delete, skip_locked=skip_locked)
