"""Blocking work outside the event loop, in threads that belong to no request.

Django's `sync_to_async` gives each request a thread, and with it a database connection, until its response is
sent. A request that waits for minutes must hold neither.
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
# A pool of its own, so that slow remote servers do not block other work.
_SLOW: Final = ThreadPoolExecutor(32, thread_name_prefix="slow")


async def run_in_thread(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Returns what `act` returns, for short work on the database or the store. Cancelling does not wait for
    it.
    """
    return await asyncio.wrap_future(_submit(_QUICK, partial(act, *args, **kwargs)))


async def run_in_slow_pool(act: Callable[[], T], ended: Callable[[], None]) -> T:
    """Like `run_in_thread`, for work that waits for a remote server.

    `ended` is called, in any thread, as soon as the thread is free again. If the caller is cancelled, that
    may be long after.
    """
    future = _submit(_SLOW, act)
    future.add_done_callback(lambda _: ended())
    return await asyncio.wrap_future(future)


def _submit(pool: ThreadPoolExecutor, act: Callable[[], T]) -> Future[T]:
    return pool.submit(copy_context().run, _with_fresh_connections, act)


def _with_fresh_connections(act: Callable[[], T]) -> T:
    _close_old_connections()
    try:
        return act()
    finally:
        _close_old_connections()


def _close_old_connections() -> None:
    """Close old or broken database connections, as Django does around a request."""
    for connection in connections.all(initialized_only=True):
        # An SQLite file stays open: reopening it costs more than the queries.
        if connection.vendor != "sqlite" or connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
