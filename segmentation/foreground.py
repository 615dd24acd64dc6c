"""Foreground estimation: the subject's colour in half-transparent pixels, without the background's share.

Around each such pixel the colours of the certain subject and of the certain background are averaged in a
window with a long tail. The pixel's own colour then corrects the subject's estimate by the residual of the
mixture, as in blur fusion (Forte, "Approximate fast foreground colour estimation", ICIP 2021). The averages
are smooth and computed at a reduced size. The correction runs tile by tile, where the picture has
half-transparent pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import downscale, fit_size
from segmentation.local_linear import long_tail_blur
from segmentation.tiles import Tile, parallel_map, tiles

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_WORKING = 400  # pixels on the longer side: the averages are smooth
_TAIL = 0.2
_LEVELS = 7
_TILE = 128  # approximate tile side, in pixels of the picture
_STEP = np.float32(1 / 255)


def estimate(rgb: Bytes, alpha: Bytes, half_size: Bytes | None = None, *, in_place: bool = False) -> Bytes:
    """Returns foreground colours for every pixel of a matte.

    `rgb`: H×W×3 uint8 sRGB, `alpha`: H×W uint8. `half_size`: the picture at half size (shrink.half_of), if
    already computed. `in_place`: the result may overwrite `rgb`. Returns H×W×3 uint8, straight (not
    premultiplied by alpha). Where alpha is 255 or 0 the picture is unchanged (the encoders black out
    invisible pixels).
    """
    out = rgb if in_place and rgb.flags.writeable else rgb.copy()
    inside, outside = _averages(rgb, alpha, half_size)
    height, width = alpha.shape
    rows, columns = inside.shape[:2]

    def correct(tile: Tile) -> None:
        covered = alpha[tile.pixels]
        half = cv2.threshold(covered, 254, 0, cv2.THRESH_TOZERO_INV)[1]  # values that are neither 0 nor 255
        if not cv2.hasNonZero(half):
            return
        # OpenCV is faster than NumPy on non-contiguous rows.
        near, far = tile.enlarged(inside), tile.enlarged(outside)
        share = cv2.cvtColor(np.multiply(covered, _STEP, dtype=np.float32), cv2.COLOR_GRAY2RGB)
        # near + share · (seen - far - share · (near - far))
        rest = cv2.subtract(far, near)
        cv2.multiply(rest, share, rest)
        cv2.subtract(rest, far, rest)
        cv2.accumulate(rgb[tile.pixels], rest)
        cv2.multiply(rest, share, rest)
        # Adds, rounds and clips to bytes in one call.
        cv2.copyTo(cv2.add(rest, near, dtype=cv2.CV_8U), half, out[tile.pixels])

    cells = max(1, round(_TILE * columns / width))
    parallel_map(correct, tiles((width, height), (columns, rows), cells))
    return out


def _averages(rgb: Bytes, alpha: Bytes, half_size: Bytes | None = None) -> tuple[Floats, Floats]:
    """Returns the mean colours (h×w×3 float32, 0..255) of the subject and of the background around each
    pixel.
    """
    size = fit_size(rgb.shape[1], rgb.shape[0], _WORKING)
    small, cover = downscale(rgb, size, half_size), downscale(alpha, size)
    colours = small.astype(np.float32)
    share = np.multiply(cover, _STEP, dtype=np.float32)
    rest = np.subtract(1, share, dtype=np.float32)
    inside, outside = parallel_map(lambda part: _average(colours, _sure(part)), (share, rest))
    return inside, outside


def _sure(share: Floats) -> Floats:
    """Returns the weight of a pixel with this share: its 16th power, .44 at .95, almost nothing at one
    half."""
    for _ in range(4):
        share = np.square(share)
    return share


def _average(colours: Floats, weight: Floats) -> Floats:
    red, green, blue = cv2.split(colours)
    weight = weight + np.float32(1e-7)
    plane = np.asarray(cv2.merge([red * weight, green * weight, blue * weight, weight]), np.float32)
    *sums, votes = cv2.split(long_tail_blur(plane, _TAIL, _LEVELS))
    return np.asarray(cv2.merge([cv2.divide(part, votes) for part in sums]), np.float32)
