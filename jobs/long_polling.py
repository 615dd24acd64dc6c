"""Waiting for a job or a rendition inside the event loop: no thread and no database connection are held.

One subscription a loop hears of everything; whoever waits is woken by the hint of its own. A hint may be
missed, and Redis may be away: so the database is asked, too, with growing pauses.
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

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from common.threads import run_in_thread
from jobs import events
from jobs.models import Job, RenditionRequest

logger = logging.getLogger(__name__)

FIRST_LOOK: Final = 0.25
LONGEST_PAUSE: Final = 5.0
# Looks are the only way while nothing is heard of Redis.
DEAF_PAUSE: Final = 0.5
LINGER_SECONDS: Final = 30.0
_ENDS: Final = ("done", "failed")


async def wait_ended(job: UUID, seconds: float) -> bool:
    """Whether nothing of a job is queued or running (or it is gone), waited for at most `seconds`.

    May be called for any number of jobs at once, also several times for one.
    """
    return await _waited(str(job), partial(_look, job), seconds)


async def wait_made(rendition: UUID, seconds: float) -> bool:
    """The same for a rendition that is wished for: whether it is made, given up or gone."""
    return await _waited(str(rendition), partial(_look_for_rendition, rendition), seconds)


async def _waited(name: str, has_ended: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    ears = _ears()
    with ears.listening(name) as heard:
        await ears.ready(min(1.0, seconds))
        pause = FIRST_LOOK
        while not await run_in_thread(has_ended):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            ears.listen()
            longest = pause if ears.hears else min(pause, DEAF_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, longest)):
                    await heard.wait()
            heard.clear()
            pause = min(pause * 2, LONGEST_PAUSE)
    return True


def _look(job: UUID) -> bool:
    return not Job.objects.filter(pk=job, state=Job.State.ACTIVE).exists()


def _look_for_rendition(rendition: UUID) -> bool:
    return (
        not RenditionRequest.objects.filter(pk=rendition)
        .exclude(state=RenditionRequest.State.FAILED)
        .exists()
    )


class _Listening:
    """One waiting call: its event, known under the id that it waits for while the block runs."""

    def __init__(self, ears: EventSubscription, name: str) -> None:
        self._ears = ears
        self._name = name
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        self._ears.waiting.setdefault(self._name, set()).add(self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        others = self._ears.waiting[self._name]
        others.discard(self._event)
        if not others:
            del self._ears.waiting[self._name]


class EventSubscription:
    """The subscription of one event loop: begun when somebody waits, ended when nobody has for a while."""

    def __init__(self) -> None:
        self.waiting: dict[str, set[asyncio.Event]] = {}
        self._subscribed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def hears(self) -> bool:
        """Whether the subscription stands."""
        return self._subscribed.is_set()

    def listening(self, name: str) -> _Listening:
        """A block in which the event that it gives is set when the job or rendition of this id has ended."""
        self.listen()
        return _Listening(self, name)

    def listen(self) -> None:
        """Begin to listen, also again after Redis was away."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())

    async def ready(self, seconds: float) -> None:
        """Wait until the subscription stands: what happened before it is to be asked for. No error if not."""
        if not self.hears:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._subscribed.wait()

    async def _listen(self) -> None:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
        try:
            async with client.pubsub() as pubsub:
                await pubsub.psubscribe(events.channel("*"))
                idle_since = time.monotonic()
                while True:
                    message = await pubsub.get_message(timeout=LINGER_SECONDS / 2)
                    if message is not None and message["type"] == "psubscribe":
                        self._subscribed.set()
                    elif message is not None and message["type"] == "pmessage":
                        self._wake(message["channel"], message["data"])
                    if self.waiting:
                        idle_since = time.monotonic()
                    elif time.monotonic() - idle_since > LINGER_SECONDS:
                        return
        except (RedisError, OSError) as error:
            logger.warning("no events of jobs, the database is asked instead: %s", error)
        finally:
            self._subscribed.clear()
            # Whoever counted on a hint looks for itself from now on.
            for events_of_job in self.waiting.values():
                for event in events_of_job:
                    event.set()
            with suppress(RedisError, OSError):
                await client.aclose()

    def _wake(self, channel: bytes, data: bytes) -> None:
        # Only ends are waited for: of jobs and of rendition requests.
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


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, EventSubscription] = WeakKeyDictionary()


def _ears() -> EventSubscription:
    return _of_loops.setdefault(asyncio.get_running_loop(), EventSubscription())
