"""A consumer that is woken by whoever queues a message: Dramatiq's own only looks again after a pause.

The hint goes by pub/sub and may get lost, so it looks from time to time as well.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2


def channel(queue_name: str) -> str:
    """The pub/sub channel on which a queue's consumers are woken."""
    return f"woken:{queue_name}"


def wake(client: redis.Redis, queue_name: str) -> None:
    """Wake whoever consumes a queue; where that fails it is only found a moment later."""
    try:
        client.publish(channel(queue_name), b"")
    except RedisError as error:
        logger.warning("nobody could be woken for the queue %s: %s", queue_name, error)


class WokenConsumer(Consumer):
    """A queue's consumer of the broker's own, `inner`, with its pauses replaced: it must make none itself."""

    def __init__(self, inner: Consumer, client: redis.Redis, queue_name: str) -> None:
        self._inner = inner
        self._hints = client.pubsub(ignore_subscribe_messages=True)
        try:
            # Before the first look: what is queued after it is heard of.
            self._hints.subscribe(channel(queue_name))
        except redis.ConnectionError as error:
            raise ConnectionClosed(error) from None

    def __next__(self) -> MessageProxy | None:
        """The next message, or None after a pause that a hint ends. Raises ConnectionClosed."""
        message = next(self._inner)
        if message is None:
            self._pause()
        return message

    def _pause(self) -> None:
        try:
            if self._hints.get_message(timeout=LOOK_SECONDS) is not None:
                # A look fetches all there is, however many hints came.
                while self._hints.get_message() is not None:
                    continue
        except redis.ConnectionError as error:
            raise ConnectionClosed(error) from None

    def ack(self, message: MessageProxy) -> None:
        """See Consumer."""
        self._inner.ack(message)

    def nack(self, message: MessageProxy) -> None:
        """See Consumer."""
        self._inner.nack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """See Consumer."""
        self._inner.requeue(messages)

    def close(self) -> None:
        """Give back the connections."""
        self._hints.close()
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
