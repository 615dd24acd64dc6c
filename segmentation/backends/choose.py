"""Chooses the engine, device and precision for a request.

`auto` takes the fastest choice whose maps stay within 1/255 of float32's in the mean (docs/performance.md has
the measured errors and times). On a GPU that is bfloat16. On a CPU it is OpenVINO if installed: int8 if the
model's ranges were recorded (a u2netp also needs a processor with VNNI), else bfloat16 for a u2net on a
processor that supports it, else float32.
"""

from __future__ import annotations

from segmentation import weights
from segmentation.backends import openvino_cpu
from segmentation.backends.base import ENGINES, PRECISIONS, Backend, unknown_option
from segmentation.backends.calibrate import find_ranges
from segmentation.backends.processor import has_exact_int8
from segmentation.errors import EngineError


def choose(model: str, device: str, precision: str, engine: str, threads: int | None) -> Backend:
    """Returns the backend for a request, with its weights loaded. Raises EngineError, WeightsError.

    Imports PyTorch only if it runs, or if a GPU may be used.
    """
    if engine not in ENGINES:
        raise unknown_option("engine", engine, ENGINES)
    if precision not in PRECISIONS:
        raise unknown_option("precision", precision, PRECISIONS)
    if engine == "openvino" and not openvino_cpu.installed():
        raise EngineError(
            "engine_missing", "OpenVINO is not installed: pip install openvino, or choose torch."
        )
    if device == "auto" and engine != "openvino" and not _has_gpu():
        device = "cpu"
    if engine == "openvino" and device not in ("auto", "cpu"):
        raise EngineError("unknown_device", f"OpenVINO runs on the CPU here, not on {device!r}.")
    if engine == "openvino" or (device == "cpu" and engine == "auto" and openvino_cpu.installed()):
        chosen = _on_cpu(model) if precision == "auto" else precision
        if engine == "openvino" or chosen in openvino_cpu.PRECISIONS:
            return openvino_cpu.OpenVinoBackend(model, chosen, threads)
    return _torch_backend(model, device, precision, threads)


def _on_cpu(model: str) -> str:
    """Returns OpenVINO's fastest precision that keeps the maps accurate."""
    weights.ensure(model)
    known = weights.record(model)
    # Without VNNI weights have half the steps: a u2net is then off by .5/255, a u2netp by 1.7/255.
    int8_is_close = has_exact_int8() or (known is not None and known.architecture == "u2net")
    if int8_is_close and find_ranges(model) is not None:
        return "int8"
    # In OpenVINO's bfloat16 the maps of a u2net are off by .3/255, those of a u2netp by 2/255.
    exact_enough = known is not None and known.architecture == "u2net"
    return "bfloat16" if exact_enough and openvino_cpu.has_bfloat16() else "float32"


def _torch_backend(model: str, device: str, precision: str, threads: int | None) -> Backend:
    from segmentation.backends import pytorch

    target = pytorch.resolve_device(device)
    if precision == "auto":
        precision = "bfloat16" if target.type == "cuda" or pytorch.has_bfloat16() else "float32"
    return pytorch.TorchBackend(weights.load(model), target, precision, threads)


def _has_gpu() -> bool:
    """Whether a CUDA device can be used; does not import PyTorch on a machine without NVIDIA's driver."""
    import ctypes

    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        from segmentation.backends import pytorch

        return pytorch.resolve_device("auto").type == "cuda"
    return False
