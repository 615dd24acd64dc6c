"""A consumer that is notified of messages; Dramatiq's own polls with pauses.

The sender of a message notifies it by pub/sub. Notifications may get lost, so it also polls. Finishing a
message wakes it as well, where it holds as many as it may.
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

from common import heartbeat

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
# How long the listener thread may take to notice that it is closed.
_LISTENER_POLL_SECONDS: Final = 1.0


def channel(queue_name: str) -> str:
    """Returns the pub/sub channel that wakes a queue's consumers."""
    return f"woken:{queue_name}"


def wake(client: redis.Redis, queue_name: str) -> None:
    """Wake a queue's consumers; where that fails, they find the message at their next poll."""
    try:
        client.publish(channel(queue_name), b"")
    except RedisError as error:
        logger.warning("the consumers of queue %s could not be notified: %s", queue_name, error)


class NotifiedConsumer(Consumer):
    """Wraps `inner`, the broker's own consumer of a queue, which must not pause itself.

    held: ids of the messages of this queue that the process holds. It survives a restart of the consumer
    after a lost connection. limit: how many it may hold.
    """

    def __init__(
        self, inner: Consumer, client: redis.Redis, queue_name: str, held: set[str], limit: int
    ) -> None:
        self._inner, self._client, self._queue = inner, client, queue_name
        self._held, self._limit = held, limit
        self._wakeup = threading.Event()
        subscription = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # of redis
        try:
            # Subscribes before the first poll, so that no later message is missed.
            subscription.subscribe(**{channel(queue_name): lambda _: self._wakeup.set()})
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]  # of dramatiq
        self._listener = subscription.run_in_thread(
            _LISTENER_POLL_SECONDS, daemon=True, exception_handler=self._on_listener_error
        )

    def _on_listener_error(self, error: BaseException, *_: Any) -> None:
        """Log the error and retry; meanwhile polling finds messages, or notices that the server is gone."""
        logger.warning("notifications of queue %s do not arrive: %s", self._queue, error)
        self._wakeup.set()
        time.sleep(POLL_SECONDS)

    def __next__(self) -> MessageProxy | None:
        """Returns the next message, or None after a pause. Raises ConnectionClosed without a server."""
        heartbeat.beat()
        message = next(self._inner) if len(self._held) < self._limit else None
        if message is None:
            self._wakeup.wait(POLL_SECONDS)
            # Cleared before the next poll: later notifications set it again.
            self._wakeup.clear()
        else:
            self._held.add(message.message_id)
        return message

    def ack(self, message: MessageProxy) -> None:
        """See Consumer."""
        try:
            self._inner.ack(message)
        finally:
            self._release(message)

    def nack(self, message: MessageProxy) -> None:
        """See Consumer."""
        try:
            self._inner.nack(message)
        finally:
            self._release(message)

    def _release(self, message: MessageProxy) -> None:
        self._held.discard(message.message_id)
        self._wakeup.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """See Consumer."""
        messages = list(messages)
        self._inner.requeue(messages)
        self._held.difference_update(message.message_id for message in messages)
        wake(self._client, self._queue)

    def close(self) -> None:
        """Close the connections."""
        self._listener.stop()
        self._inner.close()
