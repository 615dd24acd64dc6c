"""Messages: what goes to the broker for a picture, and which of them it still holds.

A message bears the name of the row's `dispatched_at`, so that the row alone says which one to look for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker

# At most so many names in one question to Redis, which answers nobody else meanwhile.
AT_ONCE: Final = 1000


def name(picture: UUID, dispatched_at: datetime) -> str:
    """What the message of a dispatched picture is called."""
    return f"{picture}@{dispatched_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}"


def send(lane: str, picture: UUID, dispatched_at: datetime) -> None:
    """Send a picture to a lane's workers. Raises BrokerConnectionError or RedisError where none takes it."""
    from jobs.actors import segment  # the actors call services: the import at the top would be a circle

    actor = segment[lane]
    message = actor.message(str(picture)).copy(message_id=name(picture, dispatched_at))
    actor.broker.enqueue(message)


def lost(lane: str, names: Sequence[str]) -> set[str]:
    """Those messages that neither wait in a lane's queue nor are in a worker's hands.

    Raises RedisError where nobody can tell. A message that its worker holds counts as held, also where the
    worker is dead: Dramatiq puts it back once the worker's heartbeat has lapsed.
    """
    broker = cast(RedisBroker, dramatiq.get_broker())
    client, held = broker.client, f"{broker.namespace}:{lane}.msgs"
    gone: set[str] = set()
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        found = client.hmget(held, list(part))
        gone.update(one for one, body in zip(part, found, strict=True) if body is None)
    return gone
