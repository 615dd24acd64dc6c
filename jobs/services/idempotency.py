"""The same request with the same key makes nothing twice; its answer stands with what it made."""

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
    """What a request was answered: status, JSON body, and where what it made is."""

    status: int
    body: Any
    location: str = ""


def earlier(user: User, key: str, body_digest: str) -> Answer | None:
    """The answer that this request got before. Raises KeyReusedError where another one had the key."""
    row = Idempotency.objects.filter(user=user, key=key).first()
    if row is None:
        return None
    if row.created_at < clock.now() - KEPT:
        Idempotency.objects.filter(pk=row.pk).delete()
        return None
    if row.body_digest != body_digest:
        raise KeyReusedError(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Take a new one for each.",
        )
    return Answer(row.status, row.body, row.location)


@again_after_deadlock
def once(user: User, key: str, body_digest: str, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    """What `act` answers, and true; or what it answered before under this key, and false.

    Of several at once the others wait until the first has committed: the key's row is written before anything
    else in the transaction, and a second one waits for it at its unique index. What `act` refuses by an
    exception leaves the key unused. Raises KeyReusedError.
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
            # Somebody else's row stands by now, or it is none of the key's.
            if not Idempotency.objects.filter(user=user, key=key).exists():
                raise


def sweep() -> int:
    """Forget the keys whose day is over; how many."""
    over = Idempotency.objects.filter(created_at__lt=clock.now() - KEPT).values_list("pk", flat=True)
    deleted: int = Idempotency.objects.filter(pk__in=list(over[:AT_ONCE])).delete()[0]
    return deleted
