"""One thread owns the model; every other thread hands it one picture and waits.

Pictures that arrive together run together. The waiting line is bounded (who comes when it is full waits at
the door), a picture on which a batch fails is found by running its members one by one and fails alone, and
where the device has no memory for a batch, the largest batch is halved for good.
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
    """Collects single calls into batches for a function that is fastest on many at once.

    run: gets 1..max_batch entries, answers as many results in their order; called from one thread only.
    max_wait: seconds to wait for company after the first entry of a batch; 0 takes what is there already.
    max_pending: how many entries may stand in line before `submit` blocks.
    """

    def __init__(
        self,
        run: Callable[[list[Entry]], Sequence[Result]],
        max_batch: int = 8,
        max_wait: float = 0.01,
        max_pending: int = 64,
    ) -> None:
        if max_batch < 1 or max_pending < 1 or max_wait < 0:
            raise ValueError("max_batch and max_pending are at least 1, max_wait is at least 0")
        self._run, self._max_wait = run, max_wait
        self._max_batch = max_batch
        self._line: queue.Queue[tuple[Entry, Future[Result]] | None] = queue.Queue(max_pending)
        self._door = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="micro-batcher", daemon=True)
        self._thread.start()

    @property
    def max_batch(self) -> int:
        """The largest batch that is tried now; smaller than asked for after an out-of-memory."""
        return self._max_batch

    def submit(self, entry: Entry) -> Future[Result]:
        """Put an entry in line; blocks while the line is full. Raises EngineError `batcher_closed`."""
        future: Future[Result] = Future()
        # Held while waiting for room, so that close() cannot slip its end mark in before this entry.
        with self._door:
            if self._closed:
                raise EngineError("batcher_closed", "The engine is shutting down and takes no more pictures.")
            self._line.put((entry, future))
        return future

    def __call__(self, entry: Entry) -> Result:
        """Submit and wait for the result, or raise what the entry's own run raised."""
        return self.submit(entry).result()

    def close(self) -> None:
        """Finish what stands in line, then end the thread. A second call does nothing."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._line.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch, last = self._collect()
            waiting = [(entry, future) for entry, future in batch if future.set_running_or_notify_cancel()]
            if waiting:
                self._answer(waiting)
            if last:
                return

    def _collect(self) -> tuple[list[tuple[Entry, Future[Result]]], bool]:
        """The next batch, and whether the end mark stood behind it."""
        batch: list[tuple[Entry, Future[Result]]] = []
        deadline = 0.0
        while len(batch) < self._max_batch:
            try:
                if not batch:
                    found = self._line.get()
                else:
                    left = deadline - time.monotonic()
                    found = self._line.get(timeout=left) if left > 0 else self._line.get_nowait()
            except queue.Empty:
                break
            if found is None:
                return batch, True
            if not batch:
                deadline = time.monotonic() + self._max_wait
            batch.append(found)
        return batch, False

    def _answer(self, waiting: list[tuple[Entry, Future[Result]]]) -> None:
        """Run a batch; where it fails, smaller ones, down to each entry alone."""
        try:
            results = self._run([entry for entry, _ in waiting])
            if len(results) != len(waiting):
                raise EngineError(
                    "wrong_count", f"The engine answered {len(results)} for {len(waiting)} pictures."
                )
        except OutOfMemoryError as error:
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
                return
            half = (len(waiting) + 1) // 2
            self._max_batch = min(self._max_batch, half)
            self._answer(waiting[:half])
            self._answer(waiting[half:])
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits; this thread must live on
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
                return
            for one in waiting:
                self._answer([one])
        else:
            for (_, future), result in zip(waiting, results, strict=True):
                future.set_result(result)
