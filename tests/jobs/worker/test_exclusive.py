"""The shared/exclusive lock of a worker process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from jobs.worker.exclusive import ExclusiveLock
from tests.waiting import until


class Guest:
    """A thread that takes the lock by `way` and holds it until it is released."""

    def __init__(self, way: Callable[[], AbstractContextManager[None]]) -> None:
        self.inside, self._leave = threading.Event(), threading.Event()
        self._way = way
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._way():
            self.inside.set()
            self._leave.wait(30)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def test_many_hold_it_shared() -> None:
    exclusive_lock = ExclusiveLock()
    guests = [Guest(exclusive_lock.shared) for _ in range(4)]
    assert all(guest.inside.wait(30) for guest in guests)
    for guest in guests:
        guest.leave()


def test_an_exclusive_holder_waits_for_shared_ones_and_keeps_new_ones_out() -> None:
    exclusive_lock = ExclusiveLock()
    first = Guest(exclusive_lock.shared)
    assert first.inside.wait(30)
    suspect = Guest(exclusive_lock.alone)
    until(lambda: exclusive_lock._waiting == 1, "the suspect waits")
    late = Guest(exclusive_lock.shared)
    assert not suspect.inside.is_set()
    assert not late.inside.is_set(), "who wants to be alone goes before new exclusive_lock"

    first.leave()
    assert suspect.inside.wait(30)
    assert not late.inside.is_set()

    suspect.leave()
    assert late.inside.wait(30)
    late.leave()


def test_two_exclusive_holders_run_one_after_the_other() -> None:
    exclusive_lock = ExclusiveLock()
    first = Guest(exclusive_lock.alone)
    assert first.inside.wait(30)
    second = Guest(exclusive_lock.alone)
    until(lambda: exclusive_lock._waiting == 1, "the second waits")
    assert not second.inside.is_set()
    first.leave()
    assert second.inside.wait(30)
    second.leave()


def test_an_error_inside_releases_the_lock() -> None:
    exclusive_lock = ExclusiveLock()
    for way in (exclusive_lock.alone, exclusive_lock.shared):
        try:
            with way():
                raise KeyError
        except KeyError:
            pass
    with exclusive_lock.alone():
        pass
