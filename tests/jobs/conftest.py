"""Fixtures of the jobs tests: access to the broker's queues."""

from __future__ import annotations

from collections.abc import Callable

import dramatiq
import pytest
import redis


@pytest.fixture
def queued(valkey: redis.Redis) -> Callable[[str], list[str]]:
    """Returns the picture ids in a queue, in the order in which workers get them."""

    def look(queue: str) -> list[str]:
        ids = [number.decode() for number in valkey.lrange(f"dramatiq:{queue}", 0, -1)]
        messages = [valkey.hget(f"dramatiq:{queue}.msgs", number) for number in ids]
        return [dramatiq.Message.decode(message).args[0] for message in messages]

    return look
