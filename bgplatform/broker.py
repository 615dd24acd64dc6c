"""The broker that every process uses: a window on the database, never the truth."""

from __future__ import annotations

from typing import Final

import dramatiq
import redis
from django.conf import settings
from django_dramatiq.middleware import DbConnectionsMiddleware
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Callbacks, TimeLimit

HEARTBEAT_MS: Final = 20_000


def make_broker(url: str) -> RedisBroker:
    """A broker on Redis or Valkey.

    No Retries: attempts are counted on the picture's row, which also survives a lost Redis. Maintenance
    runs at every call (its default chance is one in a thousand), so that the messages of a killed worker
    come back once its heartbeat has lapsed and not some day.
    """
    return RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped
        client=redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=15),
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=1_000_000,
        middleware=[AgeLimit(), TimeLimit(), Callbacks(), DbConnectionsMiddleware()],
    )


broker = make_broker(settings.REDIS_URL)
dramatiq.set_broker(broker)
