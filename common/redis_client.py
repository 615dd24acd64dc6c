"""Connections to Redis. Every process has one pool for each kind of client.

The broker and the health check of the local Valkey keep connections of their own, with their own time-outs.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import redis
import redis.asyncio
from django.conf import settings

SECONDS: Final = 2


def client() -> redis.Redis:
    """The shared client of synchronous code. Its answers are bytes."""
    return connect(settings.REDIS_URL)


def text_client() -> redis.Redis:
    """As `client`, but its answers are text."""
    return connect(settings.REDIS_URL, text=True)


@cache
def connect(url: str, *, text: bool = False) -> redis.Redis:
    """The client of an address, with a pool of its own."""
    return redis.Redis.from_url(
        url, decode_responses=text, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
    )


def async_client(*, connect_seconds: float, seconds: float | None = None) -> redis.asyncio.Redis:
    """A new client for the running event loop. The caller closes it.

    seconds: the longest wait for an answer; None for a subscription, which waits for as long as it takes.
    """
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=connect_seconds, socket_timeout=seconds
    )
