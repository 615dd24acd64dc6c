"""Alpha compositing, and conversion between sRGB and linear light.

Subject and background are mixed in sRGB values, because the matte was computed there to explain the photo's
own mixture: a cut-out on its old background gives the photo again. Physical light (gradients, blur) is mixed
in linear light.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_ROWS = 256
_LITTLE = 0.75


def to_linear(srgb: Bytes) -> Floats:
    """Converts sRGB bytes of any shape to linear light, float32 in 0..1 (IEC 61966-2-1)."""
    return np.asarray(_LINEAR[srgb], np.float32)


def to_srgb(linear: Floats) -> Bytes:
    """Converts linear light in 0..1 to sRGB bytes, rounded."""
    light = np.clip(linear, 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * curve), np.uint8)


def _linear_table() -> Floats:
    value = np.arange(256) / 255
    table = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.asarray(table, np.float32)


_LINEAR = _linear_table()


def over(top: Bytes, alpha: Bytes, bottom: Bytes, under: Bytes | None) -> tuple[Bytes, Bytes | None]:
    """Composites `top` with straight `alpha` over `bottom` with straight alpha `under` (None: opaque); writes
    into `bottom`.

    Colours H×W×3 uint8, alphas H×W uint8. Returns the colours and the alpha of the result (None: opaque).
    Works in strips, so that no picture-sized float array is allocated.
    """
    through = None if under is None else np.empty_like(under)
    for start in range(0, alpha.shape[0], _ROWS):
        rows = slice(start, start + _ROWS)
        if not alpha[rows].any():
            if through is not None and under is not None:
                through[rows] = under[rows]
            continue
        cover = np.multiply(alpha[rows], np.float32(1 / 255), dtype=np.float32)
        rest = np.subtract(1, cover, dtype=np.float32)
        if through is not None and under is not None:
            rest *= np.multiply(under[rows], np.float32(1 / 255), dtype=np.float32)
            through[rows] = cv2.convertScaleAbs(cover + rest, alpha=255)
        # Divides by the sum of the weights: the result has straight colours, whatever lies below.
        bottom[rows] = cv2.blendLinear(top[rows], bottom[rows], cover, rest)
    return bottom, through


def paste(layer: Bytes, canvas: Bytes, corner: tuple[int, int]) -> None:
    """Writes `layer` (h×w[×3]) into `canvas` (H×W[×3]) with its upper left corner at `corner` (x, y), clipped
    at the edges.
    """
    x, y = corner
    left, top = max(0, x), max(0, y)
    right, bottom = min(canvas.shape[1], x + layer.shape[1]), min(canvas.shape[0], y + layer.shape[0])
    if left < right and top < bottom:
        canvas[top:bottom, left:right] = layer[top - y : bottom - y, left - x : right - x]


def resized(pixels: Bytes, size: tuple[int, int]) -> Bytes:
    """Resizes pixels (h×w[×c] uint8) to `size` (width, height): averages when shrinking, cubic when
    enlarging.

    Slight shrinking uses bilinear sampling: OpenCV's area averaging with fractional pixels takes six times as
    long, with no visible difference.
    """
    if pixels.shape[1::-1] == size:
        return pixels
    smaller = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    if smaller and min(size[0] / pixels.shape[1], size[1] / pixels.shape[0]) >= _LITTLE:
        way = cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)
