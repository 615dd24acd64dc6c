"""Runs a function in several threads at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(act: Callable[[int], T], times: int) -> list[T | BaseException]:
    """Calls `act` with 0, 1, … in as many threads, released together. Returns the results and exceptions."""
    start = Barrier(times)

    def one(number: int) -> T:
        try:
            start.wait(timeout=30)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        calls = [pool.submit(one, number) for number in range(times)]
    return [call.exception() or call.result() for call in calls]
