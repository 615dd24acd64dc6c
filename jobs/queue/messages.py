"""Messages: how a row is sent to the broker, and which messages the broker still holds.

A message is named after its row's `dispatched_at`, so that the row alone says which message to look for.
Actors are called by name: this room imports none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID

import dramatiq
from django.db.models import Q
from dramatiq.brokers.redis import RedisBroker

# Names in one command. Redis serves nobody else while it runs.
NAMES_PER_COMMAND: Final = 1000


@dataclass(frozen=True)
class Route:
    """Which rows of a line go to which actor, through which queue of the broker."""

    queue: str
    actor: str
    rows: Q = field(default_factory=Q)


def name(row: UUID, dispatched_at: datetime) -> str:
    """The id of the message of a dispatched row."""
    return f"{row}@{dispatched_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}"


def send(route: Route, row: UUID, dispatched_at: datetime) -> None:
    """Send a row to the workers. Raises BrokerConnectionError or RedisError if the broker is away."""
    dramatiq.get_broker().enqueue(
        dramatiq.Message(
            queue_name=route.queue,
            actor_name=route.actor,
            args=(str(row),),
            kwargs={},
            options={},
            message_id=name(row, dispatched_at),
        )
    )


def lost(queue: str, names: Sequence[str]) -> set[str]:
    """Returns the messages that neither wait in the queue nor are held by a worker.

    Raises RedisError if the broker is away. A message that a dead worker holds is not lost: Dramatiq requeues
    it when the worker's heartbeat has expired.
    """
    broker = cast(RedisBroker, dramatiq.get_broker())
    client, held = broker.client, f"{broker.namespace}:{queue}.msgs"
    gone: set[str] = set()
    for start in range(0, len(names), NAMES_PER_COMMAND):
        part = names[start : start + NAMES_PER_COMMAND]
        found = client.hmget(held, list(part))
        gone.update(one for one, body in zip(part, found, strict=True) if body is None)
    return gone
