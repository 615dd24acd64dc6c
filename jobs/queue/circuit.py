"""The circuit breaker of the file store. While it is open, rows wait in the database.

A worker that cannot reach the store opens it. It closes by itself after STORE_PAUSE_SECONDS.
"""

from __future__ import annotations

import logging

from django.conf import settings
from redis.exceptions import RedisError

from common import redis_client
from jobs import storage

logger = logging.getLogger(__name__)

KEY = "circuit:store"

# Whether this process could not reach the store, and has not reached it since.
_store_was_away = False


def trip() -> None:
    """Open the circuit for STORE_PAUSE_SECONDS."""
    global _store_was_away
    _store_was_away = True
    try:
        redis_client.client().set(KEY, "away", ex=settings.STORE_PAUSE_SECONDS)
    except RedisError as error:
        logger.warning("could not open the circuit: %s", error)


def is_open() -> bool:
    """Whether the store was away a moment ago. False if Redis is away: sending fails then anyway."""
    try:
        return bool(redis_client.client().exists(KEY))
    except RedisError:
        return False


def check_store() -> None:
    """Raise StoreUnavailableError if the store is still away, before a result is computed in vain.

    Asks the store only if this process could not reach it before, so it usually costs nothing.
    """
    global _store_was_away
    if _store_was_away:
        storage.probe()
        _store_was_away = False
