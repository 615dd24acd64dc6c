"""Events on Redis pub/sub: hints that something changed. The page then reads the change from the database."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from common import redis_client

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 15.0
# The kind of hint that announces the end of a session.
SESSION = "session"
# The kinds of hints about rendition requests and thumbnail requests.
RENDITION = "rendition"
THUMBNAILS = "thumbnails"


def channel(job: UUID | str) -> str:
    """The pub/sub channel of a job."""
    return f"events:job:{job}"


def tell(job: UUID | str, kind: str, **facts: str) -> None:
    """Publishes a hint. Subscribers that miss it poll, so an unavailable Redis is only logged."""
    try:
        redis_client.client().publish(channel(job), json.dumps({"kind": kind, **facts}))
    except RedisError as error:
        logger.warning("Could not publish an event of job %s: %s", job, error)


def streams_channel(user: int) -> str:
    """The channel of a user's sessions. Its subscribers are the user's open streams in all processes."""
    return f"events:streams:{user}"


def publish_session_end(user: int) -> None:
    """Announces the end of a session to the user's open streams. Each checks whether it was its own."""
    try:
        redis_client.client().publish(streams_channel(user), json.dumps({"kind": SESSION}))
    except RedisError as error:
        # Each stream also checks by itself every few seconds.
        logger.warning("Could not notify the streams of user %s: %s", user, error)


async def streams_of(user: int) -> int:
    """How many streams a user has open. Raises RedisError if Redis is unavailable."""
    client = redis_client.async_client(connect_seconds=5, seconds=5)
    try:
        answer = await client.pubsub_numsub(streams_channel(user))
    finally:
        await client.aclose()
    return int(answer[0][1])


@contextmanager
def subscription(job: UUID | str) -> Iterator[Callable[[float], dict[str, Any] | None]]:
    """The blocking form of `listen`, for threads: gives a function that waits for the next hint of a job.

    It takes seconds, and returns None after them, or earlier without a reason. Raises RedisError.
    """
    with redis_client.client().pubsub() as pubsub:  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        pubsub.subscribe(channel(job))
        pubsub.get_message(timeout=2)

        def hear(seconds: float) -> dict[str, Any] | None:
            message = pubsub.get_message(timeout=seconds)
            said = message is not None and message["type"] == "message"
            hint: dict[str, Any] | None = json.loads(message["data"]) if said else None
            return hint

        yield hear


async def listen(job: UUID | str, *, user: int | None = None) -> AsyncGenerator[dict[str, Any] | None]:
    """Yields the hints of a job, and None after each silence, so that the caller can check the database.

    The first None comes when the subscription is active. Check the database for what happened before it.
    user: the owner of the stream, if it counts towards the limit of streams.
    """
    channels = [channel(job)] if user is None else [streams_channel(user), channel(job)]
    client = redis_client.async_client(connect_seconds=5)
    try:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(*channels)
            for _ in channels[1:]:
                await pubsub.get_message(timeout=SILENCE_SECONDS)
            while True:
                message = await pubsub.get_message(timeout=SILENCE_SECONDS)
                if message is None or message["type"] == "subscribe":
                    yield None
                elif message["type"] == "message":
                    yield json.loads(message["data"])
    finally:
        await client.aclose()
