"""The Dramatiq broker of every process. Redis only mirrors the database, which is the source of truth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import dramatiq
import redis
from django.conf import settings
from django_dramatiq.middleware import DbConnectionsMiddleware
from dramatiq.broker import Consumer
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import q_name
from dramatiq.middleware import AgeLimit, Callbacks, TimeLimit

from bgplatform.wakeup import NotifiedConsumer, wake
from common import heartbeat

# A worker without a heartbeat for as long as its leases last counts as dead. The minimum of 8 s covers a
# worker that only slept between two polls of an empty queue (5 s at most).
HEARTBEAT_MS: Final = 1000 * max(settings.LEASE_SECONDS, 8)


class LaneBroker(RedisBroker):
    """A Redis broker with notified consumers, a limit on the messages that this process holds, and a count of
    them.
    """

    max_held: Mapping[str, int] = MappingProxyType({})
    """How many messages of a queue this process may hold, begun or not; of others what Dramatiq likes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped
        self.held: dict[str, set[str]] = {}

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Returns a consumer of a queue. `timeout` is Dramatiq's longest pause; this consumer waits for a
        notification instead.
        """
        # Also while Redis is away: Dramatiq calls this again and again, and the process is healthy.
        heartbeat.beat()
        if q_name(queue_name) != queue_name:
            return super().consume(queue_name, prefetch, timeout)  # a delay queue: never used
        limit = min(prefetch, self.max_held.get(queue_name, prefetch))
        inner = super().consume(queue_name, limit, 1)
        held = self.held.setdefault(queue_name, set()) if queue_name in self.max_held else set()
        return NotifiedConsumer(inner, self.client, queue_name, held, limit)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Queue a message under its own id, so that a caller with the id can check whether it is still
        queued.

        Dramatiq assigns a second id in Redis because its Retries middleware sends a message twice. This
        broker has no Retries.
        """
        if delay is not None:
            raise ValueError("messages cannot be delayed: set `not_before` on the row instead")
        message = message.copy(options={"redis_message_id": message.message_id})
        self.emit_before("enqueue", message, delay)
        self.do_enqueue(message.queue_name, message.message_id, message.encode())
        wake(self.client, message.queue_name)
        self.emit_after("enqueue", message, delay)
        return message


def make_broker(url: str) -> LaneBroker:
    """Returns a broker on Redis or Valkey.

    There is no Retries middleware: attempts are counted on the picture's row, which survives the loss of
    Redis. Maintenance runs at every call (the default probability is 1 in 1,000), so the messages of a killed
    worker are requeued as soon as its heartbeat has expired.
    """
    return LaneBroker(
        client=redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=15),
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=1_000_000,
        middleware=[AgeLimit(), TimeLimit(), Callbacks(), DbConnectionsMiddleware()],
    )


broker = make_broker(settings.REDIS_URL)
dramatiq.set_broker(broker)
