"""What the tests of the jobs room share: the broker's queues to look into, and a Redis that goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import dramatiq
import pytest
import redis


@pytest.fixture
def queued(valkey: redis.Redis) -> Callable[[str], list[str]]:
    """The picture ids in a queue, in the order in which workers get them."""

    def look(queue: str) -> list[str]:
        ids = [number.decode() for number in valkey.lrange(f"dramatiq:{queue}", 0, -1)]
        messages = [valkey.hget(f"dramatiq:{queue}.msgs", number) for number in ids]
        return [dramatiq.Message.decode(message).args[0] for message in messages]

    return look


@pytest.fixture
def redis_away(valkey: redis.Redis) -> Callable[[], AbstractContextManager[None]]:
    """A block in which nobody reaches Valkey: its address is gone, and every connection is cut."""
    socket = Path(valkey.connection_pool.connection_kwargs["path"])

    @contextmanager
    def away() -> Iterator[None]:
        aside = socket.with_suffix(".aside")
        socket.rename(aside)
        for kind in ("normal", "pubsub"):
            valkey.execute_command("CLIENT", "KILL", "TYPE", kind)
        try:
            yield
        finally:
            aside.rename(socket)

    return away
