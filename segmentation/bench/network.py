"""Benchmarks the network alone: every engine and precision of this machine, beside ONNX Runtime (rembg's
engine).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.bench.rounds import compare
from segmentation.errors import EngineError
from segmentation.fetching import onnx_path
from segmentation.pictures import decode
from segmentation.predictor import Predictor
from segmentation.shrink import network_input, stretch

_CONFIGURATIONS = (
    ("torch", "float32"),
    ("torch", "bfloat16"),
    ("torch", "float16"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
)
Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def onnx_runtime(model: str, threads: int | None) -> Run | None:
    """Returns the authors' file in ONNX Runtime, or None if the package or the file is missing."""
    path = onnx_path(model)
    if importlib.util.find_spec("onnxruntime") is None or not path.exists():
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    entry, first = session.get_inputs()[0].name, session.get_outputs()[0].name

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        maps: NDArray[np.float32] = session.run([first], {entry: batch})[0][:, 0]
        return maps

    return run


def measure(
    model: str, photos: list[Path], device: str, batches: list[int], rounds: int, threads: int | None
) -> list[dict[str, object]]:
    """Returns a row for each configuration and batch: ratio to ONNX Runtime, milliseconds a picture, error of
    the map in 1/255.
    """
    runs: dict[str, Run] = {}
    baseline = onnx_runtime(model, threads)
    if baseline is not None:
        runs["ONNX Runtime float32"] = baseline
    for engine, precision in _CONFIGURATIONS:
        try:
            found = Predictor(model, "cpu" if engine == "openvino" else device, precision, engine, threads)
        except EngineError:
            continue  # not available on this machine
        runs[f"{engine} {precision} on {found.backend.device}"] = found.raw
    inputs = np.stack([network_input(decode(photo).rgb) for photo in photos])
    first = next(iter(runs))
    truth = [stretch(runs[first](entry[None])[0]) for entry in inputs]
    errors: dict[str, list[float]] = {}
    for name, run in runs.items():
        maps = [stretch(run(entry[None])[0]) for entry in inputs]
        errors[name] = [float(np.abs(a - b).mean() * 255) for a, b in zip(maps, truth, strict=True)]
    rows: list[dict[str, object]] = []
    for batch in batches:
        entry = np.ascontiguousarray(np.resize(inputs, (batch, *inputs.shape[1:])))
        timed = compare(
            {name: partial(run, entry) for name, run in runs.items()},
            rounds,
            f"{model}, batch {batch}",
        )
        for name, timing in timed.items():
            row: dict[str, object] = {"model": model, "way": name, "batch": batch}
            row |= {
                "ratio": timed[first].wall / timing.wall,
                "cpu_ratio": timed[first].cpu / max(timing.cpu, 1e-9),
            }
            row |= {"ms": timing.wall / batch, "error_mean": float(np.mean(errors[name]))}
            rows.append(row | {"error_worst": max(errors[name])})
    return rows
