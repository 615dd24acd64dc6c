"""A consumer that is woken: Dramatiq's own looks for messages only after a pause.

By whoever queues a message (a hint by pub/sub, which may get lost, so it looks from time to time as well),
and by whoever is through with one, where it holds as many as it may.
"""

from __future__ import annotations

import logging
import threading
import time
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


class NotifiedConsumer(Consumer):
    """The broker's own consumer of a queue, `inner`, with its pauses replaced: it must make none itself.

    held: the ids of messages of this queue that the process has in hand; a consumer that was started again,
    after the server was gone, finds there what the one before it had given out. room: how many that may be.
    """

    def __init__(
        self, inner: Consumer, client: redis.Redis, queue_name: str, held: set[str], room: int
    ) -> None:
        self._inner, self._client, self._queue = inner, client, queue_name
        self._held, self._room = held, room
        self._bell = threading.Event()
        hints = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # of redis
        try:
            # Before the first look: what is queued after that is heard of.
            hints.subscribe(**{channel(queue_name): lambda _: self._bell.set()})
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]  # of dramatiq
        self._listener = hints.run_in_thread(_LISTEN_SECONDS, daemon=True, exception_handler=self._deaf)

    def _deaf(self, error: BaseException, *_: Any) -> None:
        """The listener tries again by itself; looks find what there is meanwhile, or that nobody answers."""
        logger.warning("hints of the queue %s are not heard: %s", self._queue, error)
        self._bell.set()
        time.sleep(LOOK_SECONDS)

    def __next__(self) -> MessageProxy | None:
        """The next message, or None after a pause. Raises ConnectionClosed where the server is gone."""
        message = next(self._inner) if len(self._held) < self._room else None
        if message is None:
            self._bell.wait(LOOK_SECONDS)
            # Cleared before the next look: what happens from now on rings again.
            self._bell.clear()
        else:
            self._held.add(message.message_id)
        return message

    def ack(self, message: MessageProxy) -> None:
        """See Consumer."""
        try:
            self._inner.ack(message)
        finally:
            self._let_go(message)

    def nack(self, message: MessageProxy) -> None:
        """See Consumer."""
        try:
            self._inner.nack(message)
        finally:
            self._let_go(message)

    def _let_go(self, message: MessageProxy) -> None:
        self._held.discard(message.message_id)
        self._bell.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """See Consumer."""
        messages = list(messages)
        self._inner.requeue(messages)
        self._held.difference_update(message.message_id for message in messages)
        wake(self._client, self._queue)

    def close(self) -> None:
        """Give back the connections."""
        self._listener.stop()
        self._inner.close()
