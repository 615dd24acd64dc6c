"""OpenVINO on the CPU: the fastest engine there, in float32, bfloat16 or int8. Does not load PyTorch.

A map that int8 leaves undecided is computed again in float32: int8's errors occur in such maps
(uncertainty.py).

The compiled network is cached with a digest (compiled.py); a later start loads it in well under a second.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segmentation import weights
from segmentation.backends import compiled
from segmentation.backends.calibrate import find_ranges
from segmentation.backends.heap import release_free_memory
from segmentation.backends.processor import has_exact_int8
from segmentation.backends.uncertainty import is_undecided
from segmentation.errors import EngineError
from segmentation.shapes import SHAPES

if TYPE_CHECKING:
    import openvino

PRECISIONS = ("float32", "bfloat16", "int8")


def installed() -> bool:
    """Whether the package is installed; does not import it, because that takes a while."""
    return importlib.util.find_spec("openvino") is not None


def has_bfloat16() -> bool:
    """Whether OpenVINO really runs bfloat16 on this processor; otherwise it accepts the option and runs
    float32.
    """
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _hint(precision: str, architecture: str) -> str:
    """Returns the type of the layers that are not int8. A u2netp's bfloat16 is off by 2/255, so its int8 uses
    float32.
    """
    if precision == "int8":
        return "bf16" if architecture == "u2net" and has_bfloat16() else "f32"
    return {"float32": "f32", "bfloat16": "bf16"}[precision]


class OpenVinoBackend:
    """Implements `base.Backend` and `base.ConcurrentBackend`.

    A single picture gets all cores. Of several, two run concurrently on half of the cores each, which is
    faster than one after the other: no core waits at the end of a layer. More than two gain nothing.

    precision: float32, bfloat16 or int8 (needs recorded ranges, see calibrate.py; undecided maps are computed
    again in float32). threads: None takes all cores.
    """

    engine = "openvino"
    device = "cpu"

    def __init__(self, model: str, precision: str, threads: int | None = None) -> None:
        if precision not in PRECISIONS:
            raise EngineError(
                "precision_missing", f"OpenVINO here runs {', '.join(PRECISIONS)}, not {precision}."
            )
        if precision == "bfloat16" and not has_bfloat16():
            raise EngineError("precision_missing", "This processor has no bfloat16: choose float32 or int8.")
        ranges = find_ranges(model) if precision == "int8" else None
        if precision == "int8" and ranges is None:
            raise EngineError(
                "not_calibrated",
                f"{model} has no recorded ranges for int8: "
                f"run `python -m segmentation weights calibrate {model} PHOTOS` or choose another.",
            )
        self.precision = precision
        self._path = weights.ensure(model)
        known = weights.record(model)
        self._model, self._ranges = model, ranges
        self._shape = SHAPES[known.architecture if known else model]
        self._threads = threads or _cores()
        self.batch = min(2, self._threads)
        # Each form is loaded on first use: a folder on the command line never needs the first.
        self._single_request: openvino.InferRequest | None = None
        self._idle_requests: queue.SimpleQueue[openvino.InferRequest] | None = None
        self._exact: openvino.InferRequest | None = None
        self._load_lock = threading.Lock()
        self._exact_lock = threading.Lock()

    def load(self) -> None:
        """See `base.ConcurrentBackend`."""
        self._single()
        if self.batch > 1:
            self._concurrent_requests()
        if self.precision == "int8":
            # Run it, too: it allocates its working memory on the first run.
            self._in_float32(np.zeros((3, 320, 320), dtype=np.float32))

    def _requests(self, count: int, precision: str) -> list[openvino.InferRequest]:
        """Compiles the network to run `count` pictures concurrently and returns its requests."""
        ranges = self._ranges if precision == "int8" else None
        options: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": _hint(precision, self._shape.name),
            "INFERENCE_NUM_THREADS": self._threads,
            "PERFORMANCE_HINT": "LATENCY" if count == 1 else "THROUGHPUT",
            "NUM_STREAMS": count,
        }

        def network() -> openvino.Model:
            from safetensors.numpy import load_file

            from segmentation.backends.graph import HALF_RANGE, build

            # Reload the weights for a second form: keeping them would take four times int8's memory.
            largest = 127 if has_exact_int8() else HALF_RANGE
            return build(load_file(self._path), self._shape, ranges, largest)

        facts = {
            "weights": self._path.name,
            "shape": self._shape.name,
            "ranges": ranges,
            "options": options,
            "exact_int8": has_exact_int8(),
        }
        form = f"{self._model}-{precision}-{count}x{self._threads}"
        loaded = compiled.load_or_compile(compiled.cached_path(form, facts), network, options)
        release_free_memory()
        return [loaded.create_infer_request() for _ in range(count)]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `base.Backend.run`."""
        maps = np.empty((len(batch), *batch.shape[2:]), dtype=np.float32)
        for start in range(0, len(batch), self.batch):
            entries = batch[start : start + self.batch]
            with self._acquired(len(entries)) as requests:
                for request, entry in zip(requests, entries, strict=True):
                    request.start_async([entry[None]], share_inputs=True)
                for request, place in zip(requests, maps[start:], strict=False):
                    request.wait()
                    place[:] = request.get_output_tensor(0).data[0, 0]
        for entry, place in zip(batch, maps, strict=True):
            self._rerun_if_undecided(entry, place)
        return maps

    def run_concurrently(self, entry: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `base.ConcurrentBackend`."""
        free = self._concurrent_requests()
        request = free.get()
        try:
            request.infer([entry[None]], share_inputs=True)
            found = np.array(request.get_output_tensor(0).data[0, 0])
        finally:
            free.put(request)
        self._rerun_if_undecided(entry, found)
        return found

    def _rerun_if_undecided(self, entry: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Replaces a map that int8 left undecided by float32's."""
        if self.precision == "int8" and is_undecided(found):
            found[:] = self._in_float32(entry)

    @contextmanager
    def _acquired(self, count: int) -> Iterator[list[openvino.InferRequest]]:
        """Yields one request with all cores, or several with a share of the cores each."""
        if count == 1:
            yield [self._single()]
            return
        free = self._concurrent_requests()
        requests = [free.get() for _ in range(count)]
        try:
            yield requests
        finally:
            for request in requests:
                free.put(request)

    def _single(self) -> openvino.InferRequest:
        """Returns the request with all cores."""
        with self._load_lock:
            if self._single_request is None:
                (self._single_request,) = self._requests(1, self.precision)
            return self._single_request

    def _concurrent_requests(self) -> queue.SimpleQueue[openvino.InferRequest]:
        """Returns the queue of idle requests of the concurrent form."""
        with self._load_lock:
            if self._idle_requests is None:
                self._idle_requests = queue.SimpleQueue()
                for request in self._requests(self.batch, self.precision):
                    self._idle_requests.put(request)
            return self._idle_requests

    def _in_float32(self, entry: NDArray[np.float32]) -> NDArray[np.float32]:
        """The float32 re-run, on all cores: 3×320×320 -> 320×320."""
        with self._load_lock:
            if self._exact is None:
                (self._exact,) = self._requests(1, "float32")
        with self._exact_lock:
            self._exact.infer([entry[None]], share_inputs=True)
            return np.array(self._exact.get_output_tensor(0).data[0, 0])


def _cores() -> int:
    """Returns the number of cores available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
