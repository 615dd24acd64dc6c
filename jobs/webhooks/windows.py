"""Whose webhooks go next: an account has a window, and its endpoints take turns in it.

A receiver may take WEBHOOK_SECONDS for each message. Without the account's window a few of one account's
would hold every thread of a courier, and delay everybody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from threading import Lock
from typing import Final
from uuid import UUID

from jobs.models import WebhookEndpoint

# Messages of one account that are out at once, whatever number of endpoints it has: a courier has 16 threads.
ACCOUNT_WINDOW: Final = 4
# Messages of one endpoint that are out at once; of one that fails, a single one.
WINDOW: Final = 4
FAILING_WINDOW: Final = 1
# Seconds until a message comes again that found its account's attempts running.
BUSY_SECONDS: Final = 2.0


class Running:
    """Attempts of this courier that run, by account.

    Rows alone do not say it: whoever switches an endpoint off, or deletes it, ends no attempt.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._count: Counter[int] = Counter()

    def take(self, user: int) -> bool:
        """Whether one more may run; if so, it is to be given back."""
        with self._lock:
            if self._count[user] >= ACCOUNT_WINDOW:
                return False
            self._count[user] += 1
            return True

    def give_back(self, user: int) -> None:
        """One has ended."""
        with self._lock:
            self._count[user] -= 1
            if not self._count[user]:
                del self._count[user]


RUNNING: Final = Running()


def shares(endpoints: Sequence[WebhookEndpoint], out: Counter[UUID]) -> Counter[UUID]:
    """How many more messages each endpoint of one account may have out.

    endpoints: with `first_due`, since when the first of their messages waits (None: none does). out: how many
    each has out. A free place goes to who has the fewest out, and of these to who waits longest.
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
