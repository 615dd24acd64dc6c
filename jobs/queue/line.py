"""A line: the queue of one leased table. Pictures, rendition requests and thumbnail requests have one each.

The database is the truth, the broker a window on it. Rows wait in the table; a bounded number of each
user's rows is sent to the broker. A worker claims a row for a lease and renews it while it works. Rows of
dead workers and lost messages are sent again. Every step is a conditional UPDATE and safe to run twice.
See docs/decisions/0025-one-line-for-everything-leased.md.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Generic
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from accounts import locks
from common.after_commit import after_commit
from common.deadlocks import again_after_deadlock
from jobs import clock
from jobs.models.leased import LeaseState
from jobs.queue import circuit, messages, windows
from jobs.queue.claims import RELEASED, WORKER_LOST, Claim, LeaseLostError, R
from jobs.queue.messages import Route
from jobs.queue.rules import Rules

logger = logging.getLogger(__name__)

EXPIRED_AT_ONCE: Final = 500


class Line(Generic[R]):
    """The queue of `model`.

    routes: which rows go to which actor. rules: what else has to happen, see `Rules`. order: the order of a
    user's rows. related: what a claimed row is loaded with (`select_related`).
    """

    def __init__(
        self,
        model: type[R],
        routes: Sequence[Route],
        rules: Rules[R],
        *,
        order: tuple[str, ...] = ("pk",),
        related: tuple[str, ...] = (),
    ) -> None:
        self.model, self.routes, self.rules = model, tuple(routes), rules
        self.order, self.related = order, related
        self.name = str(model._meta.verbose_name)

    @property
    def rows(self) -> QuerySet[R]:
        """All rows of the table."""
        return self.model._default_manager.all()

    # Claims

    def was_tried(self, row: UUID) -> bool:
        """Whether an attempt was broken off. The row may have killed its worker, so it has to run alone."""
        return self.rows.filter(pk=row, attempts__gt=0).exists()

    def claim(self, row: UUID, *, token: UUID | None = None, alone: bool = True) -> Claim[R] | None:
        """Claim a queued row and count the attempt. Returns None if the row is not queued.

        token: the caller's own, so that a retry after a lost connection finds its own claim. alone: whether
        nothing else runs in this process; otherwise a row that was tried before is not claimed.
        """
        token = token or uuid4()
        now = clock.now()
        with transaction.atomic():
            free = self.rows.filter(pk=row, state=LeaseState.QUEUED)
            taken = (free if alone else free.filter(attempts=0)).update(
                state=LeaseState.RUNNING,
                attempts=F("attempts") + 1,
                lease_token=token,
                lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
                started_at=now,
                dispatched_at=now,
            )
            mine = self.rows.select_related(*self.related) if self.related else self.rows
            found = mine.filter(pk=row, lease_token=token).first()
            if found is None:
                return None
            if taken:
                self.rules.changed([found], LeaseState.RUNNING)
        return Claim(found, token)

    @again_after_deadlock
    def renew(self, tokens: Collection[UUID]) -> int:
        """Extend the leases of these claims. Returns how many are still valid."""
        until = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
        with transaction.atomic():
            held = locks.hold(self.rows.filter(lease_token__in=tokens, state=LeaseState.RUNNING))
            return self.rows.filter(pk__in=held).update(lease_until=until)

    def end(self, claim: Claim[R], state: str, **fields: object) -> None:
        """Close a claim with the row's final state. Raises LeaseLostError if the claim is no longer valid.

        Call it in the transaction that writes the results, so that both are committed or neither is.
        """
        with transaction.atomic(savepoint=False):
            self.rules.lock_parents([claim.row])
            changes = {**RELEASED, **self.rules.end_fields(clock.now()), **fields}
            ended = self._held(claim).update(state=state, **changes)
            if ended:
                self.rules.ended([claim.row], state, str(fields.get("error_code", "")))
                self.rules.changed([claim.row], state)
        if not ended:
            raise LeaseLostError(str(claim.row.pk))

    def delete(self, claim: Claim[R]) -> None:
        """Close a claim by deleting its row: for requests that are replaced by their result.

        Raises and runs as `end`.
        """
        with transaction.atomic(savepoint=False):
            self.rules.lock_parents([claim.row])
            deleted, _ = self._held(claim).delete()
            if deleted:
                self.rules.changed([claim.row], LeaseState.DONE)
        if not deleted:
            raise LeaseLostError(str(claim.row.pk))

    def fail(self, claim: Claim[R], code: str, sentence: str) -> None:
        """Close a claim as failed. Raises LeaseLostError if the claim is no longer valid."""
        self.end(claim, LeaseState.FAILED, error_code=code, error_sentence=sentence[:500])

    def give_back(self, claim: Claim[R], code: str, sentence: str) -> None:
        """Queue a row again, with exponential back-off, after a fault that is not its own.

        At the last attempt it fails. Raises LeaseLostError if the claim is no longer valid.
        """
        if claim.row.attempts >= settings.MAX_ATTEMPTS:
            self.fail(claim, code, sentence)
        else:
            self._requeue(claim, pause=2**claim.row.attempts)

    def postpone(self, claim: Claim[R]) -> None:
        """Queue a row again because the store or the database is away. The attempt does not count."""
        self._requeue(claim, pause=settings.STORE_PAUSE_SECONDS, attempts=F("attempts") - 1)

    def _requeue(self, claim: Claim[R], *, pause: float, **fields: object) -> None:
        not_before = clock.now() + timedelta(seconds=pause)
        with transaction.atomic(savepoint=False):
            back = self._held(claim).update(
                state=LeaseState.QUEUED, not_before=not_before, **RELEASED, **fields
            )
            if back:
                self.rules.changed([claim.row], LeaseState.QUEUED)
        if not back:
            raise LeaseLostError(str(claim.row.pk))

    def _held(self, claim: Claim[R]) -> QuerySet[R]:
        return self.rows.filter(pk=claim.row.pk, state=LeaseState.RUNNING, lease_token=claim.token)

    # Recovery

    @again_after_deadlock
    def expire(self) -> int:
        """Queue rows again whose lease expired. Rows at their last attempt fail. Returns how many of both."""
        now = clock.now()
        running = self.rows.filter(state=LeaseState.RUNNING)
        clock.cap_future_times(running, "lease_until", timedelta(seconds=settings.LEASE_SECONDS))
        expired = running.filter(lease_until__lt=now)
        full = expired.select_related(*self.related) if self.related else expired
        found = list(full[:EXPIRED_AT_ONCE])
        hopeless = [row for row in found if row.attempts >= settings.MAX_ATTEMPTS]
        with transaction.atomic():
            if hopeless:
                self.rules.lock_parents(hopeless)
            # Only as they were found: a row may have been renewed, ended or claimed again since.
            held = set(locks.hold(expired.filter(pk__in=[row.pk for row in found])))
            again = [row for row in found if row.pk in held and row.attempts < settings.MAX_ATTEMPTS]
            given_up = [row for row in hopeless if row.pk in held]
            if again:
                self._rows_of(again).update(state=LeaseState.QUEUED, **RELEASED)
                self.rules.changed(again, LeaseState.QUEUED)
            if given_up:
                changes = {**RELEASED, **self.rules.end_fields(now)}
                self._rows_of(given_up).update(
                    state=LeaseState.FAILED,
                    error_code=WORKER_LOST,
                    error_sentence=self.rules.lost_sentence,
                    **changes,
                )
                self.rules.ended(given_up, LeaseState.FAILED, WORKER_LOST)
                self.rules.changed(given_up, LeaseState.FAILED)
        return len(again) + len(given_up)

    def _rows_of(self, rows: Sequence[R]) -> QuerySet[R]:
        return self.rows.filter(pk__in=[row.pk for row in rows])

    def recover_lost(self, *, leases: bool = True) -> int:
        """Recover rows of dead workers and rows whose message was lost. Returns how many.

        leases: False while living workers may not have been able to renew their leases.
        """
        expired = self.expire() if leases else 0
        try:
            unclaimed = sum(map(self._recover_messages, self.routes))
        except RedisError as error:
            # The messages that it holds are not lost.
            logger.warning(
                "%s: the broker is unavailable; skipped the recovery of lost messages: %s", self.name, error
            )
            unclaimed = 0
        if expired or unclaimed:
            logger.warning(
                "%s: recovered %d expired leases and %d lost messages", self.name, expired, unclaimed
            )
        return expired + unclaimed

    def _recover_messages(self, route: Route) -> int:
        """Mark rows as not dispatched whose message the broker no longer holds. Returns how many.

        A message that waits in a long queue is not lost, however old it is.
        """
        old = self.rows.filter(
            clock.older("dispatched_at", timedelta(seconds=settings.REDISPATCH_SECONDS)),
            route.rows,
            state=LeaseState.QUEUED,
        ).values_list("pk", "dispatched_at")
        named = {messages.name(pk, sent): (pk, sent) for pk, sent in old if sent is not None}
        lost = messages.lost(route.queue, list(named))
        # Only as it was found: a worker may have claimed it, or another dispatcher sent it, meanwhile.
        return sum(
            self.rows.filter(pk=pk, state=LeaseState.QUEUED, dispatched_at=sent).update(dispatched_at=None)
            for pk, sent in map(named.__getitem__, lost)
        )

    # Dispatch

    def top_up(self, user: int, queues: Collection[str] | None = None) -> int:
        """Send messages for a user's waiting rows until the window of each queue is full. Returns how many.

        None are sent while the circuit breaker of the file store is open: workers could only give them back.
        """
        if circuit.is_open():
            return 0
        size = windows.size_of(user)
        routes = [route for route in self.routes if queues is None or route.queue in queues]
        return sum(self._top_up(user, route, size) for route in routes)

    def top_up_everyone(self) -> int:
        """Top up every user who has rows that wait. The scheduler's tick; it repairs every lost `top_up`.

        A user whose window is full costs one row of one query.
        """
        if circuit.is_open():
            return 0
        return sum(
            self._top_up(user, route, size)
            for route in self.routes
            for user, size in windows.next_users(self.rows.filter(route.rows))
        )

    @again_after_deadlock
    def _top_up(self, user: int, route: Route, size: int) -> int:
        with transaction.atomic():
            chosen, now = windows.fill(user, self.rows.filter(route.rows), size, self.order)
            if chosen:
                after_commit(self._send, route, chosen, now)
        return len(chosen)

    def _send(self, route: Route, rows: list[UUID], dispatched_at: datetime) -> None:
        try:
            for row in rows:
                messages.send(route, row, dispatched_at)
        except (BrokerConnectionError, RedisError):
            # Not the caller's error. The next tick tries again.
            logger.exception(
                "%s: the broker is unavailable; %d rows wait in the database", self.name, len(rows)
            )
            with transaction.atomic():
                held = locks.hold(self.rows.filter(pk__in=rows, state=LeaseState.QUEUED))
                self.rows.filter(pk__in=held).update(dispatched_at=None)
