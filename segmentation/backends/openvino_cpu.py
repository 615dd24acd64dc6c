"""OpenVINO on the CPU: the fastest engine there, in float32, bfloat16 or int8. Loads no PyTorch.

The compiled network is kept in the cache by OpenVINO itself, under a key of the graph, its weights, its own
version and the processor; a later start reads it back in well under a second.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from segmentation import weights
from segmentation.backends.calibrate import find_ranges
from segmentation.errors import EngineError
from segmentation.shapes import SHAPES

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
    """See `base.Backend`. One picture at a time: on a CPU larger batches only need more memory.

    precision: float32, bfloat16 or int8 (needs recorded ranges, see calibrate.py). threads: None takes all
    cores.
    """

    engine = "openvino"
    device = "cpu"

    def __init__(self, model: str, precision: str, threads: int | None = None) -> None:
        import openvino
        from safetensors.numpy import load_file

        from segmentation.backends.graph import build

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
        state = load_file(weights.ensure(model))
        known = weights.record(model)
        shape = SHAPES[known.architecture if known else model]
        network = build(state, shape, ranges)
        core = openvino.Core()
        options: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": _hint(precision, shape.name),
            "PERFORMANCE_HINT": "LATENCY",
            "CACHE_DIR": str(weights.cache_dir() / "openvino"),
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        # One process at a time: two that write the same entry of OpenVINO's cache make it fail.
        with weights.locked(f"{model}-openvino"):
            compiled = core.compile_model(network, "CPU", options)
        self._request = compiled.create_infer_request()

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `base.Backend.run`."""
        maps = np.empty((len(batch), *batch.shape[2:]), dtype=np.float32)
        for entry, place in zip(batch, maps, strict=True):
            self._request.infer([entry[None]], share_inputs=True)
            place[:] = self._request.get_output_tensor(0).data[0, 0]
        return maps
