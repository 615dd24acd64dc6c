"""Which engine, device and precision a request comes down to."""

from __future__ import annotations

from segmentation import weights
from segmentation.backends.base import ENGINES, PRECISIONS, Backend, unknown


def choose(model: str, device: str, precision: str, engine: str, threads: int | None) -> Backend:
    """The engine for a request, its weights loaded. Raises EngineError, WeightsError."""
    from segmentation.backends import pytorch

    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    target = pytorch.resolve_device(device)
    if precision == "auto":
        precision = "bfloat16" if target.type == "cuda" or pytorch.has_bfloat16() else "float32"
    return pytorch.TorchBackend(weights.load(model), target, precision, threads)
