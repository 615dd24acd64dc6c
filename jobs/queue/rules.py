"""What a line's rows mean to the rest of the platform. The services fill it in; the queue only calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic

from jobs.queue.claims import R


class Rules(Generic[R]):
    """Callbacks of a line. Each runs in the transaction that changes the rows. By default they do nothing."""

    # Shown to people when the worker died at every attempt.
    lost_sentence: str = "The worker crashed every time. Try again later."

    def lock_parents(self, rows: Sequence[R]) -> None:
        """Lock what stands before these rows in the order of locks. Called before rows end."""

    def end_fields(self, now: datetime) -> Mapping[str, object]:
        """More fields to set when a row ends."""
        return {}

    def ended(self, rows: Sequence[R], state: str, error_code: str) -> None:
        """Rows ended: refund, discard files, write webhook messages. error_code: "" unless they failed."""

    def changed(self, rows: Sequence[R], state: str) -> None:
        """Rows have a new state: publish events once the transaction is committed."""
