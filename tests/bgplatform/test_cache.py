"""The cache keeps Redis's entries, and still works while Redis is unavailable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.core.cache import cache

from bgplatform.cache import FallbackRedisCache

pytestmark = pytest.mark.usefixtures("valkey")
Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    yield
    cache.own.clear()


def test_every_cache_operation_works_without_redis(redis_away: Away) -> None:
    with redis_away():
        assert cache.get("a", "nothing") == "nothing"
        cache.set("a", 1)
        assert (cache.get("a"), cache.has_key("a"), "a" in cache) == (1, True, True)
        assert cache.add("a", 2) is False
        assert cache.add("b", 2) is True
        assert cache.incr("b") == 3
        assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 3}
        assert cache.touch("a", 60) is True
        assert cache.delete("a") is True
        cache.set_many({"c": 3})
        cache.delete_many(["b"])
        assert cache.get_many(["a", "b", "c"]) == {"c": 3}
        assert cache.get_or_set("d", 4) == 4
        cache.clear()
        assert cache.get("c") is None


def test_the_fallbacks_entries_do_not_override_redis(redis_away: Away) -> None:
    cache.set("a", "by redis")
    with redis_away():
        cache.set("a", "by itself")
    assert cache.get("a") == "by redis"


def test_the_site_uses_it(settings: object) -> None:
    assert isinstance(cache._connections[cache._alias], FallbackRedisCache)
