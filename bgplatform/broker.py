"""The broker that every process uses: a window on the database, never the truth."""

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

# A worker that was silent for as long as its leases last is taken for dead, but nobody who only slept between
# two looks at an empty queue (five seconds at most).
HEARTBEAT_MS: Final = 1000 * max(settings.LEASE_SECONDS, 8)


class LaneBroker(RedisBroker):
    """Redis, whose consumers are woken and hold no more than they may, and which can say what it holds."""

    rooms: Mapping[str, int] = MappingProxyType({})
    """How many messages of a queue this process may hold, begun or not; of others what Dramatiq likes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped
        self.held: dict[str, set[str]] = {}

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """A consumer of a queue. `timeout` is Dramatiq's longest pause; ours is woken from a shorter one."""
        if q_name(queue_name) != queue_name:
            return super().consume(queue_name, prefetch, timeout)  # a queue for delays: nothing is sent there
        room = min(prefetch, self.rooms.get(queue_name, prefetch))
        inner = super().consume(queue_name, room, 1)
        held = self.held.setdefault(queue_name, set()) if queue_name in self.rooms else set()
        return NotifiedConsumer(inner, self.client, queue_name, held, room)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Queue a message under its own id, so that who knows that can ask whether it is still there.

        Dramatiq gives it another one in Redis, because its Retries send a message twice; there are none here.
        """
        if delay is not None:
            raise ValueError("a message that waits is a row with `not_before`")
        message = message.copy(options={"redis_message_id": message.message_id})
        self.emit_before("enqueue", message, delay)
        self.do_enqueue(message.queue_name, message.message_id, message.encode())
        wake(self.client, message.queue_name)
        self.emit_after("enqueue", message, delay)
        return message


def make_broker(url: str) -> LaneBroker:
    """A broker on Redis or Valkey.

    No Retries: attempts are counted on the picture's row, which also survives a lost Redis. Maintenance
    runs at every call (its default chance is one in a thousand), so that the messages of a killed worker
    come back once its heartbeat has lapsed and not some day.
    """
    return LaneBroker(
        client=redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=15),
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=1_000_000,
        middleware=[AgeLimit(), TimeLimit(), Callbacks(), DbConnectionsMiddleware()],
    )


broker = make_broker(settings.REDIS_URL)
dramatiq.set_broker(broker)
