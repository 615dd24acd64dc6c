"""Fair sharing of webhook deliveries: each account has a window, shared by its endpoints.

A receiver may take WEBHOOK_SECONDS for each message. Without the account's window a few slow receivers of one
account would occupy every thread of a courier and delay all other accounts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from threading import Lock
from typing import Final
from uuid import UUID

from jobs.models import WebhookEndpoint

# Messages of one account that are in the broker at once, however many endpoints it has. A courier has 16
# threads.
ACCOUNT_WINDOW: Final = 4
# Messages of one endpoint that are in the broker at once; only one for a failing endpoint.
WINDOW: Final = 4
FAILING_WINDOW: Final = 1
# Seconds until a delivery is retried that found its account at the concurrency limit.
BUSY_SECONDS: Final = 2.0


class Running:
    """Attempts in progress in this courier, counted by account.

    The rows alone do not show it: disabling or deleting an endpoint does not stop an attempt in progress.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._count: Counter[int] = Counter()

    def take(self, user: int) -> bool:
        """Takes a slot and returns True, or returns False if the account has none. The caller gives the slot
        back.
        """
        with self._lock:
            if self._count[user] >= ACCOUNT_WINDOW:
                return False
            self._count[user] += 1
            return True

    def give_back(self, user: int) -> None:
        """Frees a slot."""
        with self._lock:
            self._count[user] -= 1
            if not self._count[user]:
                del self._count[user]


RUNNING: Final = Running()


def shares(endpoints: Sequence[WebhookEndpoint], out: Counter[UUID]) -> Counter[UUID]:
    """Returns how many more messages each endpoint of one account may have in the broker.

    endpoints: each with `first_due`, the time of its oldest due message (None: no due message). out: how many
    each has in the broker. A free slot goes to the endpoint with the fewest, then to the one that has waited
    longest.
    """
    found: Counter[UUID] = Counter()
    waiting = [(one, due) for one in endpoints if (due := getattr(one, "first_due", None)) is not None]
    for _ in range(ACCOUNT_WINDOW - out.total()):
        open_ones = [
            (out[one.pk] + found[one.pk], due, one.pk)
            for one, due in waiting
            if out[one.pk] + found[one.pk] < (FAILING_WINDOW if one.failing_since else WINDOW)
        ]
        if not open_ones:
            break
        found[min(open_ones)[2]] += 1
    return found
