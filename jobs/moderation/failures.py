"""How often the looks at pictures for moderation failed, counted in Redis by all workers together."""

from __future__ import annotations

import logging
from typing import Final

from redis.exceptions import RedisError

from common.redis_client import client, text_client

logger = logging.getLogger(__name__)

KEY: Final = "moderation:failures"
CLASSIFIER: Final = "classifier"
HASH: Final = "hash"
FLAG: Final = "flag"


def count(what: str) -> None:
    """Counts one failure. Does nothing if Redis is away: the log has the failure as well."""
    try:
        client().hincrby(KEY, what, 1)
    except RedisError as error:
        logger.warning("a failure of the %s was not counted: %s", what, error)


def counts() -> dict[str, int]:
    """Returns the failures so far, by what failed. Raises RedisError if Redis is away."""
    found = text_client().hgetall(KEY)
    return {what: int(found.get(what, 0)) for what in (CLASSIFIER, HASH, FLAG)}
