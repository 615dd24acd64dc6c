"""OpenVINO on the CPU: the fastest engine there, in float32, bfloat16 or int8. Loads no PyTorch.

A map that int8 leaves undecided is made once more in float32: the error of int8 lies in such maps (uncertainty.py).

The compiled network is kept in the cache folder with a digest (compiled.py); a later start reads it back in
well under a second.
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
from segmentation.backends.heap import give_back_memory
from segmentation.backends.processor import has_exact_int8
from segmentation.backends.uncertainty import is_undecided
from segmentation.errors import EngineError
from segmentation.shapes import SHAPES

if TYPE_CHECKING:
    import openvino

PRECISIONS = ("float32", "bfloat16", "int8")


def installed() -> bool:
    """Whether the package is here; importing it takes a while, so this does not."""
    return importlib.util.find_spec("openvino") is not None


def has_bfloat16() -> bool:
    """Whether OpenVINO would run bfloat16 on this processor, rather than accept the word and run float32."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _hint(precision: str, architecture: str) -> str:
    """The type of what is not int8. A u2netp's bfloat16 is off by 2/255, so its int8 leans on float32."""
    if precision == "int8":
        return "bf16" if architecture == "u2net" and has_bfloat16() else "f32"
    return {"float32": "f32", "bfloat16": "bf16"}[precision]


class OpenVinoBackend:
    """See `base.Backend` and `base.SideBySide`. A picture alone gets all cores. Of several, two run side by
    side with half of the cores each, which is faster than one after the other: no core waits at the end of a
    layer. More than two gain nothing.

    precision: float32, bfloat16 or int8 (needs recorded ranges, see calibrate.py; doubtful maps are made in
    float32). threads: None takes all cores.
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
        # Each form is loaded where it is first wanted: a folder on the command line never needs the first.
        self._alone: openvino.InferRequest | None = None
        self._pair: queue.SimpleQueue[openvino.InferRequest] | None = None
        self._exact: openvino.InferRequest | None = None
        self._loading = threading.Lock()
        self._looking_again = threading.Lock()

    def load(self) -> None:
        """See `base.SideBySide`."""
        self._single()
        if self.batch > 1:
            self._several()
        if self.precision == "int8":
            # Run as well: it takes the memory that it works in at its first run.
            self._in_float32(np.zeros((3, 320, 320), dtype=np.float32))

    def _requests(self, count: int, precision: str) -> list[openvino.InferRequest]:
        """The network compiled to run so many pictures at a time."""
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

            # Read anew where a second form is wanted: kept, the weights would take four times int8's memory.
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
        loaded = compiled.obtain(compiled.path_of(form, facts), network, options)
        give_back_memory()
        return [loaded.create_infer_request() for _ in range(count)]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `base.Backend.run`."""
        maps = np.empty((len(batch), *batch.shape[2:]), dtype=np.float32)
        for start in range(0, len(batch), self.batch):
            entries = batch[start : start + self.batch]
            with self._borrowed(len(entries)) as requests:
                for request, entry in zip(requests, entries, strict=True):
                    request.start_async([entry[None]], share_inputs=True)
                for request, place in zip(requests, maps[start:], strict=False):
                    request.wait()
                    place[:] = request.get_output_tensor(0).data[0, 0]
        for entry, place in zip(batch, maps, strict=True):
            self._look_again(entry, place)
        return maps

    def run_concurrently(self, entry: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `base.SideBySide`."""
        free = self._several()
        request = free.get()
        try:
            request.infer([entry[None]], share_inputs=True)
            found = np.array(request.get_output_tensor(0).data[0, 0])
        finally:
            free.put(request)
        self._look_again(entry, found)
        return found

    def _look_again(self, entry: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Where int8 left a map undecided, float32's is written over it."""
        if self.precision == "int8" and is_undecided(found):
            found[:] = self._in_float32(entry)

    @contextmanager
    def _borrowed(self, count: int) -> Iterator[list[openvino.InferRequest]]:
        """One request with all cores, or several with a part of them each."""
        if count == 1:
            yield [self._single()]
            return
        free = self._several()
        requests = [free.get() for _ in range(count)]
        try:
            yield requests
        finally:
            for request in requests:
                free.put(request)

    def _single(self) -> openvino.InferRequest:
        """The request with all cores."""
        with self._loading:
            if self._alone is None:
                (self._alone,) = self._requests(1, self.precision)
            return self._alone

    def _several(self) -> queue.SimpleQueue[openvino.InferRequest]:
        """The requests of the form for several that nobody uses now."""
        with self._loading:
            if self._pair is None:
                self._pair = queue.SimpleQueue()
                for request in self._requests(self.batch, self.precision):
                    self._pair.put(request)
            return self._pair

    def _in_float32(self, entry: NDArray[np.float32]) -> NDArray[np.float32]:
        """The second look, on all cores: 3×320×320 -> 320×320."""
        with self._loading:
            if self._exact is None:
                (self._exact,) = self._requests(1, "float32")
        with self._looking_again:
            self._exact.infer([entry[None]], share_inputs=True)
            return np.array(self._exact.get_output_tensor(0).data[0, 0])


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
