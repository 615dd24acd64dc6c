"""Heartbeats of workers."""

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


def test_no_worker_is_alive_without_a_heartbeat() -> None:
    assert workers.alive() == []


def test_a_heartbeat_describes_the_worker_and_expires(valkey: redis.Redis, settings: object) -> None:
    settings.LEASE_SECONDS = 20  # type: ignore[attr-defined]
    workers.report("u2netp on cpu by torch in float32")
    assert workers.alive() == [
        {"host": socket.gethostname(), "pid": os.getpid(), "engine": "u2netp on cpu by torch in float32"}
    ]
    assert 0 < valkey.ttl(MINE) <= 20


def test_a_second_heartbeat_replaces_the_first(valkey: redis.Redis) -> None:
    workers.report("one")
    valkey.expire(MINE, 1)
    workers.report("two")
    assert [worker["engine"] for worker in workers.alive()] == ["two"]
    assert valkey.ttl(MINE) > 1


def test_several_workers_are_listed(valkey: redis.Redis) -> None:
    for number in range(3):
        valkey.set(f"worker:host:{number}", json.dumps({"host": "host", "pid": number, "engine": "e"}))
    assert sorted(worker["pid"] for worker in workers.alive()) == [0, 1, 2]


def test_a_withdrawn_worker_is_gone() -> None:
    workers.report("one")
    workers.withdraw()
    workers.withdraw()
    assert workers.alive() == []


def test_without_redis_listing_workers_raises(
    redis_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with redis_away():
        for act in (workers.alive, workers.withdraw, lambda: workers.report("one")):
            with pytest.raises(redis.RedisError):
                act()
    assert workers.alive() == []
