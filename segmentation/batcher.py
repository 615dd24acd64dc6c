"""Micro-batching: one thread owns the model; other threads submit one picture each and wait.

Pictures that arrive together run as one batch. The queue is bounded: `submit` blocks while it is full. When a
batch fails, its members run one by one, so that only the faulty picture fails. When the device runs out of
memory, the largest batch is halved permanently.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from segmentation.backends.base import OutOfMemoryError
from segmentation.errors import EngineError

Entry = TypeVar("Entry")
Result = TypeVar("Result")


class MicroBatcher(Generic[Entry, Result]):
    """Collects single calls into batches, for a function that is fastest on many entries at once.

    run: takes 1..max_batch entries and returns as many results in the same order; called from one thread
    only. max_wait: seconds to wait for more entries after the first of a batch; 0 takes only what is already
    queued. max_pending: queue capacity; `submit` blocks beyond it.
    """

    def __init__(
        self,
        run: Callable[[list[Entry]], Sequence[Result]],
        max_batch: int = 8,
        max_wait: float = 0.01,
        max_pending: int = 64,
    ) -> None:
        if max_batch < 1 or max_pending < 1 or max_wait < 0:
            raise ValueError("max_batch and max_pending must be at least 1, max_wait at least 0")
        self._run, self._max_wait = run, max_wait
        self._max_batch = max_batch
        self._queue: queue.Queue[tuple[Entry, Future[Result]] | None] = queue.Queue(max_pending)
        self._submit_lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="micro-batcher", daemon=True)
        self._thread.start()

    @property
    def max_batch(self) -> int:
        """The current largest batch; smaller than the configured one after an out-of-memory error."""
        return self._max_batch

    def submit(self, entry: Entry) -> Future[Result]:
        """Queues an entry; blocks while the queue is full. Raises EngineError `batcher_closed`."""
        future: Future[Result] = Future()
        # Held while waiting for room, so that close() cannot queue its end marker before this entry.
        with self._submit_lock:
            if self._closed:
                raise EngineError(
                    "batcher_closed", "The engine is shutting down and accepts no more pictures."
                )
            self._queue.put((entry, future))
        return future

    def __call__(self, entry: Entry) -> Result:
        """Submits an entry and waits for its result. Re-raises the exception of its run."""
        return self.submit(entry).result()

    def close(self) -> None:
        """Finishes the queued entries, then ends the thread. A second call does nothing."""
        with self._submit_lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while True:
            batch, last = self._collect()
            waiting = [(entry, future) for entry, future in batch if future.set_running_or_notify_cancel()]
            if waiting:
                self._run_batch(waiting)
            if last:
                return

    def _collect(self) -> tuple[list[tuple[Entry, Future[Result]]], bool]:
        """Returns the next batch, and whether the end marker followed it."""
        batch: list[tuple[Entry, Future[Result]]] = []
        deadline = 0.0
        while len(batch) < self._max_batch:
            try:
                if not batch:
                    found = self._queue.get()
                else:
                    left = deadline - time.monotonic()
                    found = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if found is None:
                return batch, True
            if not batch:
                deadline = time.monotonic() + self._max_wait
            batch.append(found)
        return batch, False

    def _run_batch(self, waiting: list[tuple[Entry, Future[Result]]]) -> None:
        """Runs a batch; on failure runs smaller ones, down to single entries."""
        try:
            results = self._run([entry for entry, _ in waiting])
            if len(results) != len(waiting):
                raise EngineError(
                    "wrong_count", f"The engine returned {len(results)} results for {len(waiting)} pictures."
                )
        except OutOfMemoryError as error:
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
                return
            half = (len(waiting) + 1) // 2
            self._max_batch = min(self._max_batch, half)
            self._run_batch(waiting[:half])
            self._run_batch(waiting[half:])
        except BaseException as error:  # noqa: BLE001  # passed to the waiting callers; this thread must survive
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
                return
            for one in waiting:
                self._run_batch([one])
        else:
            for (_, future), result in zip(waiting, results, strict=True):
                future.set_result(result)
