"""The subject's own colours: what a half-covered pixel would show without the background behind it.

Around each such pixel the colours of the sure subject and of the sure background are averaged in a window
with a long tail; the pixel's own colour then corrects the subject's estimate by what the mixture leaves
unexplained, as in blur fusion (Forte, "Approximate fast foreground colour estimation", ICIP 2021). The
averages are smooth and taken at a reduced size; the correction runs tile by tile, where the picture has
half-covered pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import fitting, reduced
from segmentation.local_linear import tailed
from segmentation.tiles import Tile, every, tiles

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_WORKING = 400  # pixels on the longer side: the averages are smooth
_TAIL = 0.2
_LEVELS = 7
_TILE = 128  # pixels of the picture, about
_STEP = np.float32(1 / 255)


def estimate(rgb: Bytes, alpha: Bytes, halfway: Bytes | None = None, *, own: bool = False) -> Bytes:
    """Foreground colours for every pixel of a matte.

    `rgb`: H×W×3 uint8 sRGB, `alpha`: H×W uint8. `halfway`: what shrink.half_of made of the picture, where
    that is at hand. `own`: the answer may be written over `rgb`. Answers H×W×3 uint8, straight (not
    multiplied by alpha): the picture itself where alpha is 255 or 0 (the encoders black out what is not
    seen).
    """
    out = rgb if own and rgb.flags.writeable else rgb.copy()
    inside, outside = _averages(rgb, alpha, halfway)
    height, width = alpha.shape
    rows, columns = inside.shape[:2]

    def correct(tile: Tile) -> None:
        covered = alpha[tile.pixels]
        half = cv2.threshold(covered, 254, 0, cv2.THRESH_TOZERO_INV)[1]  # what is neither 0 nor 255
        if not cv2.hasNonZero(half):
            return
        # By OpenCV, which is quicker than NumPy with rows that do not follow each other.
        near, far = tile.enlarged(inside), tile.enlarged(outside)
        share = cv2.cvtColor(np.multiply(covered, _STEP, dtype=np.float32), cv2.COLOR_GRAY2RGB)
        # near + share · (seen - far - share · (near - far))
        rest = cv2.subtract(far, near)
        cv2.multiply(rest, share, rest)
        cv2.subtract(rest, far, rest)
        cv2.accumulate(rgb[tile.pixels], rest)
        cv2.multiply(rest, share, rest)
        # Added up, rounded and cut to bytes at once.
        cv2.copyTo(cv2.add(rest, near, dtype=cv2.CV_8U), half, out[tile.pixels])

    cells = max(1, round(_TILE * columns / width))
    every(correct, tiles((width, height), (columns, rows), cells))
    return out


def _averages(rgb: Bytes, alpha: Bytes, halfway: Bytes | None = None) -> tuple[Floats, Floats]:
    """Mean colours (h×w×3 float32, 0..255) of the subject and of the background around each pixel."""
    size = fitting(rgb.shape[1], rgb.shape[0], _WORKING)
    small, cover = reduced(rgb, size, halfway), reduced(alpha, size)
    colours = small.astype(np.float32)
    share = np.multiply(cover, _STEP, dtype=np.float32)
    rest = np.subtract(1, share, dtype=np.float32)
    inside, outside = every(lambda part: _average(colours, _sure(part)), (share, rest))
    return inside, outside


def _sure(share: Floats) -> Floats:
    """The vote of a pixel that has that share: its 16th power, .44 at .95, next to nothing at a half."""
    for _ in range(4):
        share = np.square(share)
    return share


def _average(colours: Floats, weight: Floats) -> Floats:
    red, green, blue = cv2.split(colours)
    weight = weight + np.float32(1e-7)
    plane = np.asarray(cv2.merge([red * weight, green * weight, blue * weight, weight]), np.float32)
    *sums, votes = cv2.split(tailed(plane, _TAIL, _LEVELS))
    return np.asarray(cv2.merge([cv2.divide(part, votes) for part in sums]), np.float32)
