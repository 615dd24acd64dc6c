"""Records how high each activation of a network goes on real photos: what int8 needs to know.

A user's machine has no calibration photos, so the ranges of the published networks lie beside this file (a
few kilobytes of JSON, not weights). For one's own trained weights `weights calibrate` records them into the
cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation import weights
from segmentation.errors import WeightsError

# The mean over the photos of each photo's highest value: one odd photo does not widen the steps of all
# others, and what lies above is cut to the range.
_DIGITS = 6


def ranges_path(model: str) -> Path:
    """Where the cache keeps the ranges of these very weights; they go with the digest, not with the name."""
    known = weights.record(model)
    digest = known.sha256[:12] if known else "none"
    return weights.weights_dir() / f"{model}-{digest}.ranges.json"


def find_ranges(model: str) -> dict[str, float] | None:
    """The recorded ranges of a model: the cache's, else the tree's for published weights, else None."""
    path = ranges_path(model)
    try:
        return _read(path.read_text("utf-8"), path.name)
    except FileNotFoundError:
        pass  # the usual case: nobody calibrated it here
    except OSError as error:
        raise weights.cache_error(error) from error
    if model in weights.CATALOGUE:
        shipped = resources.files("segmentation.backends.ranges") / f"{model}.json"
        if shipped.is_file():
            return _read(shipped.read_text("utf-8"), shipped.name)
    return None


def _read(text: str, name: str) -> dict[str, float]:
    try:
        found = json.loads(text)["ranges"]
        return {str(key): float(value) for key, value in found.items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise WeightsError(
            "ranges_unreadable", f"{name} is damaged: delete it and calibrate again."
        ) from error


def measure(model: str, inputs: Iterable[NDArray[np.float32]]) -> dict[str, float]:
    """Run the float network on normalised inputs (3×320×320 each) and return the range of each point."""
    import openvino
    from safetensors.numpy import load_file

    from segmentation.backends.graph import measurer
    from segmentation.shapes import SHAPES

    state = load_file(weights.ensure(model))
    known = weights.record(model)
    network, names = measurer(state, SHAPES[known.architecture if known else model])
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [[float(value) for value in compiled(entry[None]).values()] for entry in inputs]
    if not found:
        raise WeightsError("no_photos", "There is no photo to calibrate with.")
    highest = np.mean(np.array(found), axis=0)
    return {name: round(float(value), _DIGITS) for name, value in zip(names, highest, strict=True)}


def document(model: str, ranges: dict[str, float], photos: int) -> str:
    """The text of the file that `find_ranges` reads."""
    about = {"model": model, "photos": photos, "value": "mean over the photos of the highest value"}
    return json.dumps({**about, "ranges": ranges}, indent=0) + "\n"
