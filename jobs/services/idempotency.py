"""Idempotency keys: a repeated request gets the stored response and does nothing again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import User
from common.deadlocks import again_after_deadlock
from jobs import clock
from jobs.errors import KeyReusedError
from jobs.models import Idempotency

KEPT: Final = timedelta(hours=24)
AT_ONCE: Final = 500


@dataclass(frozen=True)
class Answer:
    """The stored response: status, JSON body, and the URL of the created object."""

    status: int
    body: Any
    location: str = ""


def earlier(user: User, key: str, body_digest: str) -> Answer | None:
    """Returns the stored response to this request, or None.

    Raises KeyReusedError if the key was used for a different request.
    """
    row = Idempotency.objects.filter(user=user, key=key).first()
    if row is None:
        return None
    if row.created_at < clock.now() - KEPT:
        Idempotency.objects.filter(pk=row.pk).delete()
        return None
    if row.body_digest != body_digest:
        raise KeyReusedError(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new key for each request.",
        )
    return Answer(row.status, row.body, row.location)


@again_after_deadlock
def once(user: User, key: str, body_digest: str, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Runs `act` once per key. Returns its response and True, or the stored response and False.

    Concurrent requests with the same key wait for the first to commit: the key's row is written first in the
    transaction, and its unique index blocks the others. If `act` raises, the key stays unused. Raises
    KeyReusedError.
    """
    while True:
        if (known := earlier(user, key, body_digest)) is not None:
            return known, False
        try:
            with transaction.atomic():
                row = Idempotency(user=user, key=key, body_digest=body_digest)
                row.save(force_insert=True)
                answer = act()
                row.status, row.body, row.location = answer.status, answer.body, answer.location
                row.save(update_fields=["status", "body", "location"])
                return answer, True
        except IntegrityError:
            # Either another request has committed this key, or the error has another cause.
            if not Idempotency.objects.filter(user=user, key=key).exists():
                raise


def sweep() -> int:
    """Deletes expired keys. Returns how many."""
    over = Idempotency.objects.filter(created_at__lt=clock.now() - KEPT).values_list("pk", flat=True)
    deleted: int = Idempotency.objects.filter(pk__in=list(over[:AT_ONCE])).delete()[0]
    return deleted
