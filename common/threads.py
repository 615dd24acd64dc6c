"""Blocking work beside the event loop, in threads that belong to no request.

Django's own `sync_to_async` gives each request a thread, and with it a database connection, until its answer
is sent. Who waits for minutes must hold neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")

_QUICK: Final = ThreadPoolExecutor(8, thread_name_prefix="quick")
# Other people's servers may be slow: those who wait for them must not hold up the rest.
_SLOW: Final = ThreadPoolExecutor(32, thread_name_prefix="slow")


async def run_in_thread(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `act` returns; it asks the database or the store and is done. Cancelled, it is not waited for."""
    return await asyncio.wrap_future(_sent(_QUICK, partial(act, *args, **kwargs)))


async def run_in_slow_pool(act: Callable[[], T], ended: Callable[[], None]) -> T:
    """The same for what waits for somebody else's server.

    `ended` is called, in any thread, as soon as no thread is busy with it: where the caller was cancelled,
    that may be long after the caller heard of it.
    """
    sent = _sent(_SLOW, act)
    sent.add_done_callback(lambda _: ended())
    return await asyncio.wrap_future(sent)


def _sent(pool: ThreadPoolExecutor, act: Callable[[], T]) -> Future[T]:
    return pool.submit(copy_context().run, _tidily, act)


def _tidily(act: Callable[[], T]) -> T:
    _tidy()
    try:
        return act()
    finally:
        _tidy()


def _tidy() -> None:
    """What Django does around a request: connections that are old or broken are not used again."""
    for connection in connections.all(initialized_only=True):
        # An SQLite file stays open: closing it each time costs more than all that is asked of it.
        if connection.vendor != "sqlite" or connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
