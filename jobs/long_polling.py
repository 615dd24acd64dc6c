"""Waits for a job or a rendition in the event loop, without holding a thread or a database connection.

Each event loop has one subscription to all hints; a hint wakes the calls that wait for its object. Hints can
get lost and Redis can be unavailable, so the calls also poll the database, with growing pauses.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from common import redis_client
from common.threads import run_in_thread
from jobs import events
from jobs.models import Job, RenditionRequest

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0
# The longest pause without Redis, when polling is the only way.
PAUSE_WITHOUT_REDIS: Final = 0.5
IDLE_SECONDS: Final = 30.0
_ENDS: Final = ("done", "failed")


async def wait_ended(job: UUID, seconds: float) -> bool:
    """Waits at most `seconds` for the end of a job. Returns whether it has ended or is deleted.

    Any number of calls may wait at once, also for the same job.
    """
    return await _wait(str(job), partial(_job_ended, job), seconds)


async def wait_made(rendition: UUID, seconds: float) -> bool:
    """The same for a requested rendition: whether it is made, has failed or is deleted."""
    return await _wait(str(rendition), partial(_rendition_ended, rendition), seconds)


async def _wait(name: str, has_ended: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    subscription = _subscription()
    with subscription.waiter(name) as heard:
        await subscription.ready(min(1.0, seconds))
        pause = FIRST_PAUSE
        while not await run_in_thread(has_ended):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            subscription.listen()
            longest = pause if subscription.is_active else min(pause, PAUSE_WITHOUT_REDIS)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, longest)):
                    await heard.wait()
            heard.clear()
            pause = min(pause * 2, LONGEST_PAUSE)
    return True


def _job_ended(job: UUID) -> bool:
    return not Job.objects.filter(pk=job, state=Job.State.ACTIVE).exists()


def _rendition_ended(rendition: UUID) -> bool:
    return (
        not RenditionRequest.objects.filter(pk=rendition)
        .exclude(state=RenditionRequest.State.FAILED)
        .exists()
    )


class _Waiter:
    """Registers a waiting call's event under the id that it waits for, for the duration of the block."""

    def __init__(self, subscription: EventSubscription, name: str) -> None:
        self._subscription = subscription
        self._name = name
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        self._subscription.waiting.setdefault(self._name, set()).add(self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        others = self._subscription.waiting[self._name]
        others.discard(self._event)
        if not others:
            del self._subscription.waiting[self._name]


class EventSubscription:
    """The Redis subscription of one event loop. It starts with the first waiting call and ends after a while
    without any.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, set[asyncio.Event]] = {}
        self._subscribed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_active(self) -> bool:
        """Whether the subscription is active."""
        return self._subscribed.is_set()

    def waiter(self, name: str) -> _Waiter:
        """A block with an event that is set when the job or rendition of this id has ended."""
        self.listen()
        return _Waiter(self, name)

    def listen(self) -> None:
        """Starts the subscription, also again after Redis was unavailable."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())

    async def ready(self, seconds: float) -> None:
        """Waits until the subscription is active, without an error after the time-out. The caller must then
        check the database, because earlier hints are lost.
        """
        if not self.is_active:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._subscribed.wait()

    async def _listen(self) -> None:
        client = redis_client.async_client(connect_seconds=2)
        try:
            async with client.pubsub() as pubsub:
                await pubsub.psubscribe(events.channel("*"))
                idle_since = time.monotonic()
                while True:
                    message = await pubsub.get_message(timeout=IDLE_SECONDS / 2)
                    if message is not None and message["type"] == "psubscribe":
                        self._subscribed.set()
                    elif message is not None and message["type"] == "pmessage":
                        self._wake(message["channel"], message["data"])
                    if self.waiting:
                        idle_since = time.monotonic()
                    elif time.monotonic() - idle_since > IDLE_SECONDS:
                        return
        except (RedisError, OSError) as error:
            logger.warning("No job events from Redis; polling the database instead: %s", error)
        finally:
            self._subscribed.clear()
            # Wake everybody: without the subscription the calls must poll.
            for events_of_job in self.waiting.values():
                for event in events_of_job:
                    event.set()
            with suppress(RedisError, OSError):
                await client.aclose()

    def _wake(self, channel: bytes, data: bytes) -> None:
        # Calls wait only for the end of a job or of a rendition request.
        if not self.waiting or b'"kind": "picture"' in data:
            return
        hint = json.loads(data)
        if hint["kind"] == "job":
            name = channel.decode().rpartition(":")[2]
        elif hint["kind"] == events.RENDITION and hint.get("state") in _ENDS:
            name = hint.get("id", "")
        else:
            return
        for event in self.waiting.get(name, ()):
            event.set()


_subscriptions: WeakKeyDictionary[asyncio.AbstractEventLoop, EventSubscription] = WeakKeyDictionary()


def _subscription() -> EventSubscription:
    return _subscriptions.setdefault(asyncio.get_running_loop(), EventSubscription())
