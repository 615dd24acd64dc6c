"""The cache: Redis, with this process's memory as the fallback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def _or_own(name: str) -> Callable[..., Any]:
    def call(self: FallbackRedisCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(FallbackRedisCache, self), name)(*args, **kwargs)
        except RedisError as error:
            logger.warning("the cache is unavailable; this process uses its own memory: %s", error)
            return getattr(self.own, name)(*args, **kwargs)

    return call


class FallbackRedisCache(RedisCache):
    """While Redis is away nobody is locked out, and password guessing is still rate limited."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.own = LocMemCache("while-redis-is-away", {})

    add = _or_own("add")
    get = _or_own("get")
    set = _or_own("set")
    touch = _or_own("touch")
    delete = _or_own("delete")
    has_key = _or_own("has_key")
    incr = _or_own("incr")
    get_many = _or_own("get_many")
    set_many = _or_own("set_many")
    delete_many = _or_own("delete_many")
    clear = _or_own("clear")
