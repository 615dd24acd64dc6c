"""Fixed windows in Redis: what counts, what does not, and what happens without Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import redis
from redis.exceptions import RedisError

from common.rate_limit import Window, window


@pytest.mark.parametrize(
    ("now", "start"),
    [(0.0, 0), (59.999, 0), (60.0, 60), (1_700_000_039.9, 1_699_999_980), (1_700_000_040, 1_700_000_040)],
)
def test_windows_begin_at_multiples_of_their_length(now: float, start: int) -> None:
    assert window(60, now) == Window(start, 60)
    assert window(60, now).end == start + 60


def test_every_request_counts_beyond_the_limit_too(valkey: redis.Redis) -> None:
    assert [Window(0, 60).count("ada") for _ in range(3)] == [1, 2, 3]
    assert Window(0, 60).used("ada") == 3


def test_a_cost_that_does_not_fit_uses_nothing(valkey: redis.Redis) -> None:
    one = Window(0, 60)
    assert one.take("ada", 7, 10) == (True, 7)
    assert one.take("ada", 4, 10) == (False, 7)
    assert one.take("ada", 3, 10) == (True, 10)
    assert one.used("ada") == 10


def test_names_and_windows_are_counted_apart(valkey: redis.Redis) -> None:
    Window(0, 60).take("ada", 5, 10)
    assert (Window(0, 60).used("bob"), Window(60, 60).used("ada")) == (0, 0)


def test_counters_expire_after_two_windows(valkey: redis.Redis) -> None:
    one = Window(0, 60)
    one.count("ada")
    one.take("bob", 1, 10)
    assert all(60 < valkey.ttl(one.key(name)) <= 120 for name in ("ada", "bob"))


def test_of_many_at_once_no_more_pass_than_fit(valkey: redis.Redis) -> None:
    passed: list[bool] = []
    threads = [
        threading.Thread(target=lambda: passed.append(Window(0, 60).take("ada", 1, 5)[0])) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [False] * 15 + [True] * 5


def test_without_redis_the_caller_gets_the_error(
    redis_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with redis_away():
        for act in (lambda: Window(0, 60).count("ada"), lambda: Window(0, 60).take("ada", 1, 5)):
            with pytest.raises(RedisError):
                act()
