"""A consumer that is woken: Dramatiq's own looks for messages only after a pause.

By whoever queues a message (a hint by pub/sub, which may get lost, so it looks from time to time as well),
and by whoever is through with one, where it holds as many as it may.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Any, Final

import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# How long its listener may take to notice that it is closed.
_LISTEN_SECONDS: Final = 1.0


def channel(queue_name: str) -> str:
    """The pub/sub channel on which a queue's consumers are woken."""
    return f"woken:{queue_name}"


def wake(client: redis.Redis, queue_name: str) -> None:
    """Wake whoever consumes a queue; where that fails its message is only found a moment later."""
    try:
        client.publish(channel(queue_name), b"")
    except RedisError as error:
        logger.warning("nobody could be woken for the queue %s: %s", queue_name, error)


def _closed(error: BaseException) -> ConnectionClosed:
    return ConnectionClosed(error)  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped


class WokenConsumer(Consumer):
    """The broker's own consumer of a queue, `inner`, with its pauses replaced: it must make none itself."""

    def __init__(self, inner: Consumer, client: redis.Redis, queue_name: str) -> None:
        self._inner = inner
        self._bell = threading.Event()
        self._lost: BaseException | None = None
        hints = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # of redis
        try:
            # Before the first look: what is queued after that is heard of.
            hints.subscribe(**{channel(queue_name): lambda _: self._bell.set()})
        except redis.ConnectionError as error:
            raise _closed(error) from None
        self._listener = hints.run_in_thread(_LISTEN_SECONDS, daemon=True, exception_handler=self._lose)

    def _lose(self, error: BaseException, _: object, listener: Any) -> None:
        listener.stop()
        self._lost = error
        self._bell.set()

    def __next__(self) -> MessageProxy | None:
        """The next message, or None after a pause. Raises ConnectionClosed where the server is gone."""
        if self._lost is not None:
            raise _closed(self._lost)
        message = next(self._inner)
        if message is None:
            self._bell.wait(LOOK_SECONDS)
            # Cleared before the next look: what happens from now on rings again.
            self._bell.clear()
        return message

    def ack(self, message: MessageProxy) -> None:
        """See Consumer."""
        self._inner.ack(message)
        self._bell.set()

    def nack(self, message: MessageProxy) -> None:
        """See Consumer."""
        self._inner.nack(message)
        self._bell.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """See Consumer."""
        self._inner.requeue(messages)

    def close(self) -> None:
        """Give back the connections."""
        self._listener.stop()
        self._inner.close()
