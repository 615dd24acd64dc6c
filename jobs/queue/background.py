"""Work that takes minutes and belongs to one account: exports and erasures.

The row is the truth, a message only says that there is work. One process claims the row with a lease and
renews it. If that process dies, the scheduler sends another message when the lease has expired. Each actor
continues from what the row and the account's other rows say, so running it twice does no harm.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import uuid4

import dramatiq
from django.conf import settings
from django.db.models import Q, QuerySet
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts.models.background import Background
from jobs import clock
from jobs.queue.claims import LeaseLostError

logger = logging.getLogger(__name__)

B = TypeVar("B", bound=Background)

QUEUE: Final = "accounts"
LEASE: Final = timedelta(seconds=60)
RENEW_SECONDS: Final = 5.0
AT_ONCE: Final = 100


class Hold(Generic[B]):
    """A claimed row. `renew` keeps it, `release` gives it up."""

    def __init__(self, row: B) -> None:
        self.row = row
        self._renewed = time.monotonic()
        rows: QuerySet[B] = type(row)._default_manager.filter(pk=row.pk, lease_token=row.lease_token)
        self.rows = rows

    def renew(self, **fields: Any) -> None:
        """Extends the lease and sets these fields, every few seconds; more frequent calls do nothing.

        Raises LeaseLostError if the row is gone or another process works on it.
        """
        if time.monotonic() - self._renewed >= RENEW_SECONDS:
            self.update(**fields)

    def update(self, **fields: Any) -> None:
        """Sets these fields and extends the lease now. Raises as `renew`."""
        if not self.rows.update(lease_until=clock.now() + LEASE, **fields):
            raise LeaseLostError(str(self.row.pk))
        self._renewed = time.monotonic()

    def release(self, **fields: Any) -> bool:
        """Sets these fields and gives up the claim. Returns whether it was still valid."""
        return bool(self.rows.update(lease_token=None, lease_until=None, **fields))


def claim(rows: QuerySet[B]) -> Hold[B] | None:
    """Claims the only one of these rows. Returns None if it is gone or another process works on it."""
    token, now = uuid4(), clock.now()
    free = rows.filter(Q(lease_until__isnull=True) | clock.passed("lease_until", LEASE))
    free.update(lease_token=token, lease_until=now + LEASE, sent_at=now)
    # Reads by the token, not by the count: the answer to the UPDATE may have been lost.
    row = rows.filter(lease_token=token).first()
    return Hold(row) if row is not None else None


def send(actor: str, row: Background) -> None:
    """Tells the courier that there is work on a row. If the broker is away, the scheduler tells it later."""
    type(row)._default_manager.filter(pk=row.pk).update(sent_at=clock.now())
    try:
        dramatiq.get_broker().enqueue(
            dramatiq.Message(queue_name=QUEUE, actor_name=actor, args=(str(row.pk),), kwargs={}, options={})
        )
    except (BrokerConnectionError, RedisError) as error:
        logger.warning("%s of %s waits for the broker: %s", actor, row.pk, error)


def send_due(actor: str, rows: QuerySet[Any]) -> int:
    """Sends messages for those of the rows that no process works on. Returns how many.

    A message that was sent less than REDISPATCH_SECONDS ago is not repeated.
    """
    again = timedelta(seconds=settings.REDISPATCH_SECONDS)
    free = rows.filter(
        Q(lease_until__isnull=True) | clock.passed("lease_until", LEASE),
        Q(sent_at__isnull=True) | clock.older("sent_at", again),
    )
    due = list(free.order_by("pk")[:AT_ONCE])
    for row in due:
        send(actor, row)
    return len(due)
