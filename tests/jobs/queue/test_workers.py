"""The notes by which it is known which workers live."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import redis

from jobs.queue import workers

pytestmark = pytest.mark.usefixtures("valkey")
MINE = f"worker:{socket.gethostname()}:{os.getpid()}"


def test_nobody_has_reported() -> None:
    assert workers.alive() == []


def test_a_worker_says_who_it_is_and_is_forgotten_in_a_leases_time(
    valkey: redis.Redis, settings: object
) -> None:
    settings.LEASE_SECONDS = 20  # type: ignore[attr-defined]
    workers.report("u2netp on cpu by torch in float32")
    assert workers.alive() == [
        {"host": socket.gethostname(), "pid": os.getpid(), "engine": "u2netp on cpu by torch in float32"}
    ]
    assert 0 < valkey.ttl(MINE) <= 20


def test_reporting_again_renews_and_does_not_double(valkey: redis.Redis) -> None:
    workers.report("one")
    valkey.expire(MINE, 1)
    workers.report("two")
    assert [worker["engine"] for worker in workers.alive()] == ["two"]
    assert valkey.ttl(MINE) > 1


def test_several_workers_are_seen(valkey: redis.Redis) -> None:
    for number in range(3):
        valkey.set(f"worker:host:{number}", json.dumps({"host": "host", "pid": number, "engine": "e"}))
    assert sorted(worker["pid"] for worker in workers.alive()) == [0, 1, 2]


def test_who_withdraws_is_gone() -> None:
    workers.report("one")
    workers.withdraw()
    workers.withdraw()
    assert workers.alive() == []


def test_without_redis_the_question_is_an_error_of_redis(
    redis_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with redis_away():
        for act in (workers.alive, workers.withdraw, lambda: workers.report("one")):
            with pytest.raises(redis.RedisError):
                act()
    assert workers.alive() == []
