"""Edges that follow the picture, in linear time: where the edge is, how soft it is, and its laying.

The map is first smoothed where it wavers, so that its noise makes no ragged edge, then put right at 320
pixels by local lines in colour (`lines`), twice:

- The firm fit trusts the map wherever it is sure. It decides on which side of one half a pixel lies. Specks
  and pinholes that it leaves are none.
- The free fit has a window with a long tail, in which the surroundings of a wide wavering zone have next to
  no vote: colour overrules the map there. It says how soft hair and fur are, but may not turn the verdict.

A last fit at WORKING pixels on the longer side lays the edge; its lines are applied to the picture itself,
tile by tile, where there is an edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.local_linear import Lines, Stage, apply_lines, averaged, bilinear, fit_lines
from segmentation.shrink import half_of

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

COARSE = 320
WORKING = 640
FIRST = Stage(tail=0.3, smooth=1e-4, gain=1.0)
LAST = Stage(tail=0.0, smooth=3e-4, gain=1.1)

_UNHEARD = 0.95  # of their vote: what wavering zones lose in the free fit
_SPECK = 0.003  # of the subject's area: smaller parts and holes are noise
_FIRM = 0.02  # from one half: what a pixel keeps whose side the firm fit decided


def refine_edges(coarse: Floats, rgb: Bytes, halfway: Bytes | None = None) -> Bytes:
    """The matte, H×W uint8, from the map (h×w float32 in 0..1) and the picture (H×W×3 uint8 sRGB); halfway:
    as for `reduced`."""
    return apply_lines(fit(coarse, rgb, halfway=halfway), rgb)


def fit(
    coarse: Floats, rgb: Bytes, longest: int = WORKING, *, firm: bool = True, halfway: Bytes | None = None
) -> Lines:
    """The local lines of a picture, `longest` pixels on its longer side (less where it has less).

    Without `firm` the free fit stands as it is. halfway: as for `reduced`.
    """
    height, width = rgb.shape[:2]
    small = shrunk(rgb, fitting(width, height, longest), halfway)
    tiny = averaged(small, fitting(width, height, COARSE))
    size = (tiny.shape[1], tiny.shape[0])
    coarse = bilinear(coarse, size)
    doubt = doubt_of(coarse)
    heard = np.square(1 - np.float32(_UNHEARD) * doubt)
    reach = _cut(np.maximum(doubt, _edges_of(coarse)))
    decided = free = fit_lines(tiny, coarse, heard, reach, FIRST).matte(tiny)
    if firm:
        calm = _calmed(coarse)
        verdict = fit_lines(tiny, calm, np.ones_like(calm), _edges_of(calm), FIRST).matte(tiny)
        decided, disputed = _decided(free, _without_specks(verdict) >= 0.5)
        reach = bilinear(reach, size) * (1 - disputed)
    base = np.clip(bilinear(decided, (small.shape[1], small.shape[0])), 0, 1)
    return fit_lines(small, base, np.ones_like(base), reach, LAST)


def _decided(free: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The free matte kept on the side of one half that was decided; and where it had to be, 0..1: there the
    last fit has no say, or it would turn the verdict again."""
    least = np.where(inside, np.float32(0.5 + _FIRM), np.float32(0))
    most = np.where(inside, np.float32(1), np.float32(0.5 - _FIRM))
    turned = (inside != (free >= 0.5)).astype(np.float32)
    disputed = np.clip(3 * cv2.GaussianBlur(turned, (9, 9), 1.5), 0, 1)
    return np.clip(free, least, most).astype(np.float32), disputed.astype(np.float32)


def fitting(width: int, height: int, longest: int) -> tuple[int, int]:
    """(width, height) with the longer side at most `longest`, no side below 1."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(rgb: Bytes, size: tuple[int, int], halfway: Bytes | None = None) -> Floats:
    """The picture (H×W×3 uint8) at `size` (width, height), as float32 in 0..1; halfway: as for `reduced`."""
    return np.multiply(reduced(rgb, size, halfway), np.float32(1 / 255), dtype=np.float32)


def reduced(plane: Bytes, size: tuple[int, int], halfway: Bytes | None = None) -> Bytes:
    """Bytes (H×W or H×W×3) at `size` (width, height); itself where it has that size. halfway: what
    `half_of` made of them, where that is at hand.

    Halved, each pixel the mean of four, as long as that leaves enough, for which OpenCV is ten times as
    fast as for means over other areas; the rest, by less than two, bilinearly.
    """
    while plane.shape[1] >= 2 * size[0] and plane.shape[0] >= 2 * size[1]:
        plane, halfway = half_of(plane) if halfway is None else halfway, None
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def disk(radius: int) -> Bytes:
    """A round structuring element for OpenCV's morphology, 2·radius + 1 pixels wide."""
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def doubt_of(coarse: Floats) -> Floats:
    """Where a map (h×w float32 in 0..1) wavers over more than the two or three pixels of a sound edge, and 12
    pixels around; 0..1, of its size."""
    wavering = cv2.convertScaleAbs(cv2.erode(4 * coarse * (1 - coarse), disk(1)), alpha=255)
    # The largest of each four pixels, in 256 steps: what follows is smooth, and that is enough.
    small = np.ascontiguousarray(cv2.dilate(wavering, np.ones((2, 2), np.uint8), anchor=(0, 0))[::2, ::2])
    wide = cv2.GaussianBlur(cv2.dilate(small, disk(6)), (0, 0), 2)
    doubt = np.clip(wide * np.float32(1.5 / 255), 0, 1).astype(np.float32)
    return bilinear(doubt, (coarse.shape[1], coarse.shape[0]))


def _calmed(coarse: Floats) -> Floats:
    """The map, smoothed by a Gaussian of 3 pixels where it wavers over more than five."""
    wavering = cv2.erode(4 * coarse * (1 - coarse), np.ones((5, 5), np.uint8))
    wide = np.clip(2 * cv2.GaussianBlur(wavering, (0, 0), 2), 0, 1)
    return np.asarray(coarse + wide * (cv2.GaussianBlur(coarse, (0, 0), 3) - coarse), np.float32)


def _edges_of(coarse: Floats) -> Floats:
    """The neighbourhood of an edge, 0..1."""
    near = cv2.GaussianBlur(coarse, (0, 0), 2)
    return _cut(np.clip((4 * near * (1 - near) - np.float32(0.02)) / np.float32(0.28), 0, 1))


def _cut(reach: Floats) -> Floats:
    # A map is nowhere quite 0 or 1: what is nearly nothing is nothing, and costs nothing.
    return np.asarray(np.clip(reach * np.float32(1.05) - np.float32(0.05), 0, 1), np.float32)


def _without_specks(matte: Floats) -> Floats:
    """Parts and holes smaller than _SPECK of the subject are laid on the other side of one half."""
    matte = matte.copy()
    inside = (matte >= 0.5).astype(np.uint8)
    least = _SPECK * np.count_nonzero(inside)
    for part, beyond in ((inside, np.float32(0.49)), (1 - inside, np.float32(0.51))):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
        small = stats[:, cv2.CC_STAT_AREA] < least
        small[0] = False
        if small.any():
            matte[small[labels]] = beyond
    return matte
