"""The batcher: concurrent entries run as one batch, a faulty entry fails alone, memory is bounded."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from segmentation.backends.base import OutOfMemoryError
from segmentation.batcher import MicroBatcher
from segmentation.errors import EngineError


class Network:
    """Doubles numbers. Blocks its first batch until released, so that a test controls the queue behind it."""

    def __init__(self, room: int = 1000) -> None:
        self.batches: list[list[int]] = []
        self.entered, self.go = threading.Event(), threading.Event()
        self.room = room
        self.threads: set[int] = set()

    def __call__(self, entries: list[int]) -> list[int]:
        self.threads.add(threading.get_ident())
        self.batches.append(entries)
        self.entered.set()
        assert self.go.wait(30)
        if len(entries) > self.room:
            raise OutOfMemoryError(len(entries), "cuda:0")
        if 13 in entries:
            raise ValueError("thirteen")
        return [2 * entry for entry in entries]


def _behind_one(network: Network, batcher: MicroBatcher[int, int], entries: list[int]) -> list[Future[int]]:
    """Submits 0, and while it runs all the others; then releases it."""
    first = batcher.submit(0)
    assert network.entered.wait(30)
    futures = [batcher.submit(entry) for entry in entries]
    network.go.set()
    assert first.result(30) == 0
    return futures


def test_queued_entries_run_as_one_batch_in_order_in_one_thread() -> None:
    network = Network()
    batcher = MicroBatcher(network, max_batch=4, max_wait=0)
    futures = _behind_one(network, batcher, [1, 2, 3, 4, 5, 6])
    assert [future.result(30) for future in futures] == [2, 4, 6, 8, 10, 12]
    assert network.batches == [[0], [1, 2, 3, 4], [5, 6]]
    assert len(network.threads) == 1
    assert threading.get_ident() not in network.threads
    batcher.close()


def test_a_faulty_entry_fails_alone() -> None:
    network = Network()
    batcher = MicroBatcher(network, max_batch=8, max_wait=0)
    futures = _behind_one(network, batcher, [1, 13, 3])
    assert futures[0].result(30) == 2
    with pytest.raises(ValueError, match="thirteen"):
        futures[1].result(30)
    assert futures[2].result(30) == 6
    assert batcher(4) == 8
    batcher.close()


def test_out_of_memory_halves_the_batch_permanently() -> None:
    network = Network(room=2)
    batcher = MicroBatcher(network, max_batch=8, max_wait=0)
    futures = _behind_one(network, batcher, [1, 2, 3, 4, 5, 6, 7, 8])
    assert [future.result(30) for future in futures] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert batcher.max_batch == 2
    assert [len(batch) for batch in network.batches] == [1, 8, 4, 2, 2, 4, 2, 2]
    batcher.close()


def test_a_single_entry_too_large_for_the_device_fails_with_its_error() -> None:
    network = Network(room=0)
    network.go.set()
    batcher = MicroBatcher(network, max_batch=8)
    with pytest.raises(OutOfMemoryError) as error:
        batcher(1)
    assert error.value.code == "out_of_memory"
    batcher.close()


def test_submit_blocks_while_the_queue_is_full() -> None:
    network = Network()
    batcher = MicroBatcher(network, max_batch=1, max_wait=0, max_pending=2)
    first = batcher.submit(0)
    assert network.entered.wait(30)
    waiting = [batcher.submit(1), batcher.submit(2)]
    through = threading.Event()

    def late() -> None:
        waiting.append(batcher.submit(3))
        through.set()

    thread = threading.Thread(target=late)
    thread.start()
    assert not through.wait(0.2)
    network.go.set()
    assert through.wait(30)
    thread.join()
    assert [future.result(30) for future in (first, *waiting)] == [0, 2, 4, 6]
    batcher.close()


def test_a_cancelled_entry_is_not_computed() -> None:
    network = Network()
    batcher = MicroBatcher(network, max_batch=8, max_wait=0)
    first = batcher.submit(0)
    assert network.entered.wait(30)
    dropped, kept = batcher.submit(1), batcher.submit(2)
    assert dropped.cancel()
    network.go.set()
    assert first.result(30) == 0
    assert kept.result(30) == 4
    assert network.batches == [[0], [2]]
    batcher.close()


def test_closing_finishes_the_queue_and_refuses_new_entries() -> None:
    network = Network()
    batcher = MicroBatcher(network, max_batch=2, max_wait=0)
    futures = _behind_one(network, batcher, [1, 2, 3])
    batcher.close()
    batcher.close()
    assert [future.result(0) for future in futures] == [2, 4, 6]
    with pytest.raises(EngineError) as error:
        batcher.submit(4)
    assert error.value.code == "batcher_closed"


def test_a_wrong_count_of_results_is_an_error_for_each() -> None:
    batcher: MicroBatcher[int, int] = MicroBatcher(lambda entries: [], max_batch=2)
    with pytest.raises(EngineError) as error:
        batcher(1)
    assert error.value.code == "wrong_count"
    batcher.close()


@pytest.mark.parametrize("wrong", [{"max_batch": 0}, {"max_wait": -1}, {"max_pending": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        MicroBatcher(lambda entries: entries, **wrong)
