"""The lock order of database rows, and the only functions that lock rows: docs/decisions/0021.

Two transactions that take the same locks in different orders can deadlock. So every transaction follows ORDER
between tables, and primary-key order within a table. No other code locks rows; the tests check each lock and
fail where one is out of order.

SQLite needs no row locks: a transaction locks the whole database from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=Model)

# Rows of other tables (mattes, renditions, tags, presets, continuations) are changed only under the lock of
# their
# parent: picture, job or user. The counters of a month and of storage come last, locked by their UPDATE.
ORDER: Final = (
    "accounts.User",
    "jobs.Job",
    "jobs.Picture",
    "jobs.RenditionRequest",
    "jobs.ThumbnailRequest",
    "jobs.Upload",
    "jobs.Backdrop",
    "jobs.Improvement",
    "jobs.WebhookEndpoint",
    "jobs.WebhookDelivery",
    "jobs.Discard",
    "accounts.Storage",
)

# A test hook, called for every lock with its table and keys.
watch: Callable[[str, Collection[Any]], None] | None = None


def hold(rows: QuerySet[Any], *, to_delete: bool = False, skip_locked: bool = False) -> list[Any]:
    """Lock rows until the end of the transaction. Returns the keys of the rows that exist.

    to_delete: also block inserts of rows that refer to them. Do not use it for mere changes, because it waits
    for every transaction that writes a child row. skip_locked: skip rows that another transaction has locked
    instead of waiting.
    """
    return [row.pk for row in fetch_held(rows.only("pk"), to_delete=to_delete, skip_locked=skip_locked)]


def fetch_held(rows: QuerySet[M], *, to_delete: bool = False, skip_locked: bool = False) -> list[M]:
    """Like `hold`, but returns the rows, freshly read."""
    found = list(_locked(rows, to_delete, skip_locked))
    if watch is not None:
        watch(rows.model._meta.label, [row.pk for row in found])
    return found


def hold_user(pk: int) -> bool:
    """Lock a user's row, and thereby the user's counts. Returns whether the user exists."""
    from accounts.models import User

    return bool(hold(User.objects.filter(pk=pk)))


def _locked(rows: QuerySet[M], to_delete: bool, skip_locked: bool) -> QuerySet[M]:
    if not connection.in_atomic_block:
        raise TransactionManagementError("A row lock needs a transaction.")
    label = rows.model._meta.label
    if label not in ORDER:
        raise ValueError(f"{label} is missing from the lock order.")
    # A slice keeps the caller's order.
    ordered = rows if rows.query.is_sliced else rows.order_by("pk")
    return ordered.select_for_update(of=("self",), no_key=not to_delete, skip_locked=skip_locked)
