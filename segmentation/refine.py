"""Turns the network's 320×320 map into a matte of the picture's size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import refine_edges
from segmentation.errors import RecipeError
from segmentation.matting import refine_best

Map = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def refine(coarse: Map, rgb: Bytes, level: str, half_size: Bytes | None = None) -> Bytes:
    """Returns the matte of a picture from the network's map of it.

    `coarse`: h×w float32 in 0..1, of any size (the network's 320×320). `rgb`: H×W×3 uint8 sRGB. `level`:
    `off` enlarges the map bilinearly; with `fast` and `best` edges follow the picture. `half_size`: the
    picture at half size (shrink.half_of), if already computed. Returns H×W uint8, 255 where the subject is
    opaque. Raises RecipeError for another level.
    """
    if level == "off":
        return enlarge(coarse, rgb.shape[1], rgb.shape[0])
    if level == "fast":
        return refine_edges(coarse, rgb, half_size)
    if level == "best":
        return refine_best(coarse, rgb)
    raise RecipeError("invalid_refine", f"refine is off, fast or best, not {level!r}.", "refine")


def enlarge(coarse: Map, width: int, height: int) -> Bytes:
    """Enlarges the map to width×height, bilinear with half-pixel centres, in steps of 1/255 before and
    after."""
    # Maps have at most 256 steps (shrink.quantised), and bytes are enlarged in a quarter of the time.
    steps = cv2.convertScaleAbs(coarse, alpha=255)
    return np.asarray(cv2.resize(steps, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
