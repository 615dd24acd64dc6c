"""Edge refinement in linear time: finds the edge's position and softness, and transfers them to full size.

The map is first smoothed where it is uncertain, so that its noise does not cause ragged edges. Then it is
corrected at 320 pixels by two local linear fits in colour space (`local_linear`):

- The firm fit trusts the map wherever it is confident. It decides for each pixel whether alpha is above or
  below one half. Remaining specks and pinholes are removed.
- The free fit has a window with a long tail, in which the surroundings of a wide uncertain zone have almost
  no weight: colour overrules the map there. It gives the softness of hair and fur, but may not change the
  side that the firm fit chose.

A last fit at WORKING pixels on the longer side gives the final edge. Its coefficients are applied to the
picture at full size, tile by tile, where there is an edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.local_linear import Lines, Stage, apply_lines, fit_lines, resize_area, resize_bilinear
from segmentation.shrink import half_of

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

COARSE = 320
WORKING = 640
FIRST = Stage(tail=0.3, smooth=1e-4, gain=1.0)
LAST = Stage(tail=0.0, smooth=3e-4, gain=1.1)

_VOTE_LOSS = 0.95  # share of their weight that uncertain zones lose in the free fit
_SPECK = 0.003  # of the subject's area: smaller parts and holes are noise
_FIRM = 0.02  # minimum distance from one half for pixels whose side the firm fit decided


def refine_edges(coarse: Floats, rgb: Bytes, half_size: Bytes | None = None) -> Bytes:
    """Returns the matte, H×W uint8, from the map (h×w float32 in 0..1) and the picture (H×W×3 uint8 sRGB).
    half_size: as for `downscale`.
    """
    return apply_lines(fit(coarse, rgb, half_size=half_size), rgb)


def fit(
    coarse: Floats, rgb: Bytes, longest: int = WORKING, *, firm: bool = True, half_size: Bytes | None = None
) -> Lines:
    """Returns the local linear coefficients of a picture, fitted at `longest` pixels on the longer side or
    fewer.

    Without `firm` the free fit is used unchanged. half_size: as for `downscale`.
    """
    height, width = rgb.shape[:2]
    small = downscale_float(rgb, fit_size(width, height, longest), half_size)
    tiny = resize_area(small, fit_size(width, height, COARSE))
    size = (tiny.shape[1], tiny.shape[0])
    coarse = resize_bilinear(coarse, size)
    doubt = uncertain_zone(coarse)
    vote = np.square(1 - np.float32(_VOTE_LOSS) * doubt)
    reach = _clip_low(np.maximum(doubt, _edges_of(coarse)))
    decided = free = fit_lines(tiny, coarse, vote, reach, FIRST).matte(tiny)
    if firm:
        calm = _smooth_uncertain(coarse)
        verdict = fit_lines(tiny, calm, np.ones_like(calm), _edges_of(calm), FIRST).matte(tiny)
        decided, disputed = _clamp_to_side(free, _remove_specks(verdict) >= 0.5)
        reach = resize_bilinear(reach, size) * (1 - disputed)
    base = np.clip(resize_bilinear(decided, (small.shape[1], small.shape[0])), 0, 1)
    return fit_lines(small, base, np.ones_like(base), reach, LAST)


def _clamp_to_side(free: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Clamps the free matte to the decided side of one half. Also returns where that changed it, 0..1: the
    last fit must not apply there, or it would undo the decision.
    """
    least = np.where(inside, np.float32(0.5 + _FIRM), np.float32(0))
    most = np.where(inside, np.float32(1), np.float32(0.5 - _FIRM))
    turned = (inside != (free >= 0.5)).astype(np.float32)
    disputed = np.clip(3 * cv2.GaussianBlur(turned, (9, 9), 1.5), 0, 1)
    return np.clip(free, least, most).astype(np.float32), disputed.astype(np.float32)


def fit_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Returns (width, height) scaled so that the longer side is at most `longest`; no side below 1."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def downscale_float(rgb: Bytes, size: tuple[int, int], half_size: Bytes | None = None) -> Floats:
    """Returns the picture (H×W×3 uint8) at `size` (width, height) as float32 in 0..1. half_size: as for
    `downscale`.
    """
    return np.multiply(downscale(rgb, size, half_size), np.float32(1 / 255), dtype=np.float32)


def downscale(plane: Bytes, size: tuple[int, int], half_size: Bytes | None = None) -> Bytes:
    """Downscales uint8 pixels (H×W or H×W×3) to `size` (width, height); returns them unchanged at that size.
    half_size: the pixels at half size (`half_of`), if already computed.

    Halves the picture, each pixel the mean of four, as long as enough remains: OpenCV does this ten times as
    fast as means over other areas. The remaining factor, less than two, is bilinear.
    """
    while plane.shape[1] >= 2 * size[0] and plane.shape[0] >= 2 * size[1]:
        plane, half_size = half_of(plane) if half_size is None else half_size, None
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def disk(radius: int) -> Bytes:
    """Returns a round structuring element for OpenCV's morphology, 2·radius + 1 pixels wide."""
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def uncertain_zone(coarse: Floats) -> Floats:
    """Returns, for a map (h×w float32 in 0..1), the zones that are uncertain over more than the two or three
    pixels of a sound edge, and 12 pixels around them; 0..1, same size.
    """
    wavering = cv2.convertScaleAbs(cv2.erode(4 * coarse * (1 - coarse), disk(1)), alpha=255)
    # The maximum of each four pixels, in 256 steps: the following steps are smooth, so this is precise
    # enough.
    small = np.ascontiguousarray(cv2.dilate(wavering, np.ones((2, 2), np.uint8), anchor=(0, 0))[::2, ::2])
    wide = cv2.GaussianBlur(cv2.dilate(small, disk(6)), (0, 0), 2)
    doubt = np.clip(wide * np.float32(1.5 / 255), 0, 1).astype(np.float32)
    return resize_bilinear(doubt, (coarse.shape[1], coarse.shape[0]))


def _smooth_uncertain(coarse: Floats) -> Floats:
    """Smooths the map by a Gaussian of 3 pixels where it is uncertain over more than five."""
    wavering = cv2.erode(4 * coarse * (1 - coarse), np.ones((5, 5), np.uint8))
    wide = np.clip(2 * cv2.GaussianBlur(wavering, (0, 0), 2), 0, 1)
    return np.asarray(coarse + wide * (cv2.GaussianBlur(coarse, (0, 0), 3) - coarse), np.float32)


def _edges_of(coarse: Floats) -> Floats:
    """Returns the neighbourhood of edges, 0..1."""
    near = cv2.GaussianBlur(coarse, (0, 0), 2)
    return _clip_low(np.clip((4 * near * (1 - near) - np.float32(0.02)) / np.float32(0.28), 0, 1))


def _clip_low(reach: Floats) -> Floats:
    # A map is nowhere exactly 0 or 1: near-zero values become 0, and zeros are skipped.
    return np.asarray(np.clip(reach * np.float32(1.05) - np.float32(0.05), 0, 1), np.float32)


def _remove_specks(matte: Floats) -> Floats:
    """Moves parts and holes smaller than _SPECK of the subject to the other side of one half."""
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
