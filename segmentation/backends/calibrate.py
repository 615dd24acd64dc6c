"""Records the range of each activation of a network on real photos, which int8 quantisation needs.

A user's machine has no calibration photos, so the ranges of the published networks are shipped beside this
file (a few kilobytes of JSON, not weights). For a user's own weights `weights calibrate` records them into
the cache.
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

# The range is the mean over the photos of each photo's maximum: one outlier does not coarsen the steps of all
# others, and values above the range are clipped.
_DIGITS = 6


def ranges_path(model: str) -> Path:
    """Returns the cache path of the ranges of these weights; it depends on the digest, not on the name."""
    known = weights.record(model)
    digest = known.sha256[:12] if known else "none"
    return weights.weights_dir() / f"{model}-{digest}.ranges.json"


def find_ranges(model: str) -> dict[str, float] | None:
    """Returns the recorded ranges of a model: from the cache, else those shipped for published weights, else
    None.
    """
    path = ranges_path(model)
    try:
        return _read(path.read_text("utf-8"), path.name)
    except FileNotFoundError:
        pass  # the usual case: not calibrated on this machine
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
    """Runs the float network on normalised inputs (3×320×320 each) and returns the range of each point."""
    import openvino
    from safetensors.numpy import load_file

    from segmentation.backends.graph import range_network
    from segmentation.shapes import SHAPES

    state = load_file(weights.ensure(model))
    known = weights.record(model)
    network, names = range_network(state, SHAPES[known.architecture if known else model])
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [[float(value) for value in compiled(entry[None]).values()] for entry in inputs]
    if not found:
        raise WeightsError("no_photos", "There is no photo to calibrate with. Name at least one.")
    highest = np.mean(np.array(found), axis=0)
    return {name: round(float(value), _DIGITS) for name, value in zip(names, highest, strict=True)}


def document(model: str, ranges: dict[str, float], photos: int) -> str:
    """Returns the text of the file that `find_ranges` reads."""
    about = {"model": model, "photos": photos, "value": "mean over the photos of the highest value"}
    return json.dumps({**about, "ranges": ranges}, indent=0) + "\n"
