"""The `best` matte: closed-form matting in the zone where the `fast` matte is undecided.

Levin, Lischinski, Weiss, "A closed-form solution to natural image matting" (TPAMI 2008): in every 3×3 window
alpha is linear in colour. The Laplacian is applied without being built, as in He, Sun, Tang, "Fast matting
using large kernel matting Laplacian matrices" (CVPR 2010): each step of conjugate gradients takes two window
means. Instead of a hard trimap, the fast matte is a soft constraint: the more certain it is, the stronger it
holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.edges import disk, downscale_float, fit
from segmentation.local_linear import Lines, apply_lines

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

WORKING = 1000  # pixels on the longer side
_WINDOW = (3, 3)
_SMOOTH = 1e-5  # regularisation, added to the windows' colour variance (colours in 0..1)
_HOLD = 0.05  # weight of the fast matte where it is fully certain
_LOOSE = 1e-5  # weight of the fast matte where it is undecided
_AROUND = 5  # pixels around the undecided zone that may change, too
_STEPS = 10  # doubling this changes nothing by more than .0002 in the band


@dataclass(frozen=True, slots=True)
class _Windows:
    """Statistics of a picture's windows: its channels, their means, the inverse covariances (six parts), each
    h×w, and `whole`: 1 where the window lies inside the picture.
    """

    colours: tuple[Floats, ...]
    means: tuple[Floats, ...]
    inverse: tuple[Floats, ...]
    whole: Floats
    count: Floats

    def laplacian(self, alpha: Floats) -> Floats:
        """Applies the matting Laplacian to alpha (a ninth of Levin's). It is symmetric, positive
        semi-definite, and 0 on constants.
        """
        red, green, blue = self.colours
        mean, *cross = _means([alpha, alpha * red, alpha * green, alpha * blue])
        cr, cg, cb = (part - mean * own for part, own in zip(cross, self.means, strict=True))
        rr, rg, rb, gg, gb, bb = self.inverse
        ar, ag, ab = rr * cr + rg * cg + rb * cb, rg * cr + gg * cg + gb * cb, rb * cr + gb * cg + bb * cb
        offset = (mean - ar * self.means[0] - ag * self.means[1] - ab * self.means[2]) * self.whole
        ar, ag, ab, offset = _means([ar, ag, ab, offset])
        return np.asarray(self.count * alpha - (ar * red + ag * green + ab * blue + offset), np.float32)


def _means(planes: list[Floats]) -> list[Floats]:
    """Returns each plane's mean over its window, zero-padded beyond the picture."""
    if len(planes) == 4:
        merged = cv2.blur(cv2.merge(planes), _WINDOW, borderType=cv2.BORDER_CONSTANT)
        return [np.asarray(plane, np.float32) for plane in cv2.split(merged)]
    return [np.asarray(cv2.blur(p, _WINDOW, borderType=cv2.BORDER_CONSTANT), np.float32) for p in planes]


def _windows(rgb: Floats) -> _Windows:
    # In float64: between black and white the determinant is a difference of terms 10⁴ times as large.
    red, green, blue = (plane.astype(np.float64) for plane in cv2.split(rgb))

    def mean(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.blur(plane, _WINDOW, borderType=cv2.BORDER_CONSTANT), np.float64)

    mr, mg, mb = mean(red), mean(green), mean(blue)
    rr, gg, bb = (mean(c * c) - m * m + _SMOOTH for c, m in ((red, mr), (green, mg), (blue, mb)))
    rg, rb, gb = mean(red * green) - mr * mg, mean(red * blue) - mr * mb, mean(green * blue) - mg * mb
    cofactors = (
        gg * bb - gb * gb,
        gb * rb - rg * bb,
        rg * gb - gg * rb,
        rr * bb - rb * rb,
        rg * rb - rr * gb,
        rr * gg - rg * rg,
    )
    whole = np.zeros(rgb.shape[:2], np.float32)
    whole[1:-1, 1:-1] = 1
    scale = whole / (rr * cofactors[0] + rg * cofactors[1] + rb * cofactors[2])
    return _Windows(
        tuple(np.asarray(plane, np.float32) for plane in cv2.split(rgb)),
        (mr.astype(np.float32), mg.astype(np.float32), mb.astype(np.float32)),
        tuple((part * scale).astype(np.float32) for part in cofactors),
        whole,
        _means([whole])[0],
    )


def refine_best(coarse: Floats, rgb: Bytes) -> Bytes:
    """Returns the matte, H×W uint8, from the map (h×w float32 in 0..1) and the picture (H×W×3 uint8 sRGB)."""
    fast = fit(coarse, rgb, WORKING, firm=False)
    height, width = fast.base.shape
    small = downscale_float(rgb, (width, height))
    matte = fast.matte(small)
    undecided = ((matte > 0.02) & (matte < 0.98)).astype(np.uint8)
    free = np.asarray(cv2.dilate(undecided, disk(_AROUND)), np.uint8)
    columns, rows = np.flatnonzero(free.any(axis=0)), np.flatnonzero(free.any(axis=1))
    if columns.size and min(height, width) > 2:
        # Only the bounding box of what may change, plus a window around it.
        box = (
            slice(max(0, int(rows[0]) - 2), int(rows[-1]) + 3),
            slice(max(0, int(columns[0]) - 2), int(columns[-1]) + 3),
        )
        matte[box] = _solve(small[box], matte[box], free[box].astype(np.float32))
    if (width, height) == rgb.shape[1::-1]:
        return np.asarray(np.rint(255 * np.clip(matte, 0, 1)), np.uint8)
    return apply_lines(_fit_to_colour(small, matte, free), rgb)


def _solve(rgb: Floats, fast: Floats, free: Floats) -> Floats:
    """Solves for the alpha that balances the Laplacian against the fast matte; only `free` pixels move. Uses
    conjugate gradients with a diagonal preconditioner, starting from the fast matte.
    """
    windows = _windows(np.ascontiguousarray(rgb))
    hold = np.float32(_HOLD) * np.square(2 * fast - 1) + np.float32(_LOOSE)
    scale = 1 / (1 + hold)
    alpha = fast.copy()
    rest = -windows.laplacian(alpha) * free
    way = np.asarray(rest * scale, np.float32)
    size = float(np.vdot(rest, way))
    for _ in range(_STEPS):
        turned = np.asarray((windows.laplacian(way) + hold * way) * free, np.float32)
        step = np.float32(size / max(float(np.vdot(way, turned)), 1e-20))
        alpha += step * way
        rest -= step * turned
        ahead = rest * scale
        before, size = size, float(np.vdot(rest, ahead))
        if size < 1e-6:
            break
        way = np.asarray(ahead + np.float32(size / before) * way, np.float32)
    return np.clip(alpha, 0, 1)


def _fit_to_colour(rgb: Floats, matte: Floats, free: Bytes) -> Lines:
    """Fits the matte by local lines in colour (a guided filter of 3×3), to apply it to the picture at full
    size.
    """
    windows = _windows(rgb)
    red, green, blue = windows.colours
    mean, *cross = _means([matte, matte * red, matte * green, matte * blue])
    cr, cg, cb = (part - mean * own for part, own in zip(cross, windows.means, strict=True))
    rr, rg, rb, gg, gb, bb = windows.inverse
    ar, ag, ab = rr * cr + rg * cg + rb * cb, rg * cr + gg * cg + gb * cb, rb * cr + gb * cg + bb * cb
    offset = mean - ar * windows.means[0] - ag * windows.means[1] - ab * windows.means[2]
    slopes = cv2.merge(_means([ar, ag, ab, offset]))
    trust = np.asarray(cv2.blur(free.astype(np.float32) * windows.count, (5, 5)), np.float32)
    return Lines(np.asarray(slopes, np.float32), trust, matte)
