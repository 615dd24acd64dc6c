"""The subject's own colours: what a half-covered pixel would show without the background behind it.

Around each such pixel the colours of the sure subject and of the sure background are averaged in a window
with a long tail; the pixel's own colour then corrects the subject's estimate by what the mixture leaves
unexplained, as in blur fusion (Forte, "Approximate fast foreground colour estimation", ICIP 2021). The
averages are smooth and taken at a reduced size; the correction runs on the half-covered pixels of the
picture alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import fitting, tailed

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_WORKING = 400  # pixels on the longer side: the averages are smooth
_TAIL = 0.2
_LEVELS = 7
_ROW = 1024  # OpenCV's remap takes at most 32767 pixels a side: the list of pixels is folded into rows
_PART = 1 << 19  # pixels at a time, so that memory stays bounded


def estimate(rgb: Bytes, alpha: Bytes) -> Bytes:
    """Foreground colours for every pixel of a matte.

    `rgb`: H×W×3 uint8 sRGB, `alpha`: H×W uint8. Answers H×W×3 uint8, straight (not multiplied by alpha): the
    picture itself where alpha is 255 or 0 (the encoders black out what is not seen).
    """
    out = rgb.copy()
    # Bytes wrap: 0 becomes 255, so that one comparison finds 1..254.
    at = np.flatnonzero((alpha - np.uint8(1)) < 254)
    if not at.size:
        return out
    inside, outside = _averages(rgb, alpha)
    flat_rgb, flat_alpha, flat_out = rgb.reshape(-1, 3), alpha.reshape(-1), out.reshape(-1, 3)
    scale = (inside.shape[1] / rgb.shape[1], inside.shape[0] / rgb.shape[0])
    for start in range(0, at.size, _PART):
        part = at[start : start + _PART]
        y, x = np.divmod(part, rgb.shape[1])
        near, far = (_sampled(plane, x, y, scale) for plane in (inside, outside))
        cover = np.multiply(flat_alpha[part], np.float32(1 / 255), dtype=np.float32)[:, None]
        seen = flat_rgb[part].astype(np.float32)
        near += cover * (seen - cover * near - (1 - cover) * far)
        flat_out[part] = np.clip(near + np.float32(0.5), 0, 255).astype(np.uint8)
    return out


def _averages(rgb: Bytes, alpha: Bytes) -> tuple[Floats, Floats]:
    """Mean colours (h×w×3 float32, 0..255) of the subject and of the background around each pixel."""
    size = fitting(rgb.shape[1], rgb.shape[0], _WORKING)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if size != rgb.shape[1::-1] else rgb
    cover = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) if size != alpha.shape[::-1] else alpha
    colours = small.astype(np.float32)
    share = np.multiply(cover, np.float32(1 / 255), dtype=np.float32)
    rest = np.subtract(1, share, dtype=np.float32)
    with ThreadPoolExecutor(2) as pool:
        inside, outside = pool.map(lambda part: _average(colours, _sure(part)), (share, rest))
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
    sums = tailed(plane, _TAIL, _LEVELS)
    return np.ascontiguousarray(sums[..., :3] / sums[..., 3:])


def _sampled(plane: Floats, x: NDArray[np.intp], y: NDArray[np.intp], scale: tuple[float, float]) -> Floats:
    """The plane (h×w×3) at the pixels x, y of the picture, bilinear, n×3."""
    count = x.size
    folded = np.zeros((2, -(-count // _ROW) * _ROW), np.float32)
    folded[0, :count] = (x + 0.5) * scale[0] - 0.5
    folded[1, :count] = (y + 0.5) * scale[1] - 0.5
    maps = folded.reshape(2, -1, _ROW)
    got = cv2.remap(plane, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(got, np.float32).reshape(-1, 3)[:count]
