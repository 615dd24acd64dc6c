"""Concurrency limits per user, and when a slot is released."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from jobs.compat import sources
from jobs.compat.body import File
from jobs.compat.concurrency import ConcurrencyLimit
from jobs.compat.errors import CompatError

ADA, BOB = 1, 2


@pytest.fixture
def answered() -> Iterator[threading.Event]:
    """When set, the remote server responds. It is set at the end, so that no thread keeps waiting."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def fetching(monkeypatch: pytest.MonkeyPatch) -> ConcurrencyLimit:
    """A ConcurrencyLimit for this test alone."""
    turns = ConcurrencyLimit(2, "Wait for one of them.")
    monkeypatch.setattr(sources, "FETCHING", turns)
    return turns


async def all_back(turns: ConcurrencyLimit) -> None:
    while turns._held:
        await asyncio.sleep(0.005)


async def test_a_slot_is_held_until_its_thread_ends(
    answered: threading.Event, fetching: ConcurrencyLimit
) -> None:
    busy = []

    def get() -> File:
        busy.append(True)
        answered.wait()
        return File(b"x", "")

    tasks = [asyncio.ensure_future(sources.download(ADA, get)) for _ in range(2)]
    while len(busy) < 2:
        await asyncio.sleep(0.005)
    with pytest.raises(CompatError) as refused:
        await sources.download(ADA, get)
    assert (refused.value.code, refused.value.headers) == ("rate_limit_exceeded", {"Retry-After": "5"})
    while tasks[0].cancel() and not tasks[0].done():
        await asyncio.sleep(0)
    with pytest.raises(CompatError):
        fetching.check(ADA)
    fetching.check(BOB)
    answered.set()
    assert await tasks[1] == File(b"x", "")
    await all_back(fetching)
    assert await sources.download(ADA, get) == File(b"x", "")


async def test_requests_with_only_a_url_wait_for_a_slot(
    answered: threading.Event, fetching: ConcurrencyLimit
) -> None:
    def get() -> File:
        answered.wait()
        return File(b"x", "")

    tasks = [asyncio.ensure_future(sources.download(ADA, get, wait_for_slot=True)) for _ in range(5)]
    while fetching._held[ADA] < 2 or sources.PATIENT._held[ADA] < 3:
        await asyncio.sleep(0.005)
    assert not any(task.done() for task in tasks)
    answered.set()
    assert await asyncio.gather(*tasks) == [File(b"x", "")] * 5
    await all_back(fetching)
    assert not sources.PATIENT._held


async def test_waiting_for_a_slot_times_out(
    answered: threading.Event, fetching: ConcurrencyLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "FETCH_SECONDS", 0.01)
    for words in (sources.OF_IMAGE, sources.OF_BACKGROUND):
        with pytest.raises(CompatError) as refused:
            await sources.download(ADA, lambda: File(b"%d" % answered.wait(), ""), words)
        assert refused.value.code == words.failed
    answered.set()
    await all_back(fetching)
