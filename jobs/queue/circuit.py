"""The circuit of the file store: open for a while after a worker found it away, so that pictures wait in the
database instead of being handed out and back."""

from __future__ import annotations

import logging
from functools import cache

import redis
from django.conf import settings

from jobs import storage

logger = logging.getLogger(__name__)

KEY = "circuit:store"

# Whether this process found the store away, and not yet that it is back.
_doubted = False


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def trip() -> None:
    """Stop handing out pictures for STORE_PAUSE_SECONDS."""
    global _doubted
    _doubted = True
    try:
        _client().set(KEY, "away", ex=settings.STORE_PAUSE_SECONDS)
    except redis.RedisError as error:
        logger.warning("could not open the circuit: %s", error)


def is_open() -> bool:
    """Whether the store was away a moment ago. A Redis that is away says no: sending will tell of it."""
    try:
        return bool(_client().exists(KEY))
    except redis.RedisError:
        return False


def check_store() -> None:
    """Raise StoreUnavailableError where the store is still away, before a picture is computed in vain.

    Asks the store only if this process found it away: usually it costs nothing.
    """
    global _doubted
    if _doubted:
        storage.probe()
        _doubted = False
