"""Local linear regression of a matte on colour, and its application to the full-size picture.

Around every pixel a matte is regressed on colour, as in the guided filter (He, Sun, Tang, "Guided image
filtering", TPAMI 2013), with three changes based on measurements:

- Pixels are weighted by the matte's certainty, so that a soft ramp does not reproduce its own softness.
- A regression shrinks towards the mean by its own coefficient of determination R²: the fit is stretched back.
- Where R² is low, colour carries no information, and the matte is kept.

The regression's products are computed per pixel, their windows and the coefficients on a grid of half the
size (He and Sun, "Fast guided filter", 2015, go further and halve the products, too).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.tiles import Tile, parallel_map, tiles

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

_SIGMA = 1.0  # of the window's core, in pixels of the grid
_CORE = (7, 7)  # kernel size at which the core's Gaussian is truncated
_WIDER = 2.0  # the same for each level of the tail, in pixels of that level
_WIDER_CORE = (11, 11)
_LEVELS = 4  # of the window's tail: up to 2 · 2⁴ = 32 pixels of the fitted picture
_BAND = 32  # rows of the grid whose products are computed at a time
_TILE = 160  # approximate tile side, in pixels of the picture
_UNTRUSTED, _TRUSTED = 0.5, 0.9  # R² from which colour is trusted a little, and fully


@dataclass(frozen=True, slots=True)
class Stage:
    """Parameters of one fit. `tail`: weight of each wider window. `smooth`: regularisation, added to the
    colour variance (colours in 0..1). `gain`: contrast.
    """

    tail: float
    smooth: float
    gain: float


@dataclass(frozen=True, slots=True)
class Lines:
    """Local linear coefficients: matte = base + trust · (clip(red·r + green·g + blue·b + offset) - base).

    `base`: H×W float32 in 0..1, the fitted matte. On a grid of any size: `slopes`, h×w×4 float32 (red, green,
    blue, offset; colours in 0..1), and `trust`, h×w float32 in 0..1.
    """

    slopes: Floats
    trust: Floats
    base: Floats

    def matte(self, rgb: Floats) -> Floats:
        """Returns the matte of a picture of the base's size (H×W×3 float32 in 0..1)."""
        size = (rgb.shape[1], rgb.shape[0])
        slopes, trust = resize_bilinear(self.slopes, size), resize_bilinear(self.trust, size)
        line = _evaluate(slopes, rgb)
        np.clip(line, 0, 1, out=line)
        line -= self.base
        line *= trust
        line += self.base
        return line


def resize_bilinear(plane: Floats, size: tuple[int, int]) -> Floats:
    """Resizes the plane to `size` (width, height) bilinearly; returns it unchanged at that size."""
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)


def resize_area(plane: Floats, size: tuple[int, int]) -> Floats:
    """Resizes the plane to `size` (width, height) by area averaging; returns it unchanged at that size."""
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def half(size: tuple[int, int]) -> tuple[int, int]:
    """Returns half of a (width, height), rounded up."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def fit_lines(rgb: Floats, base: Floats, vote: Floats, reach: Floats, stage: Stage) -> Lines:
    """Fits `base` (H×W float32 in 0..1) to a picture of its size (H×W×3 float32 in 0..1).

    `vote`, H×W float32 in 0..1: a factor on each pixel's weight. `reach`, float32 in 0..1, any size: how far
    each place may change; nothing is fitted where it is 0.
    """
    height, width = base.shape
    grid = half((width, height))
    reach = resize_bilinear(reach, grid)
    slopes = np.zeros((grid[1], grid[0], 4), np.float32)
    trust = np.zeros((grid[1], grid[0]), np.float32)
    rows, columns = np.flatnonzero(reach.any(axis=1)), np.flatnonzero(reach.any(axis=0))
    if not rows.size:
        return Lines(slopes, trust, base)
    # Only the bounding box of what may change, plus the window's margin.
    margin = _CORE[0] // 2
    top, bottom = max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin
    left, right = max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin
    if stage.tail:  # the tail's window covers everything
        top, bottom, left, right = 0, grid[1], 0, grid[0]
    whole = (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right))
    box = (slice(top, bottom), slice(left, right))
    near = reach[box]
    asked = np.ones_like(near) if stage.tail else near
    planes = _windowed(_moments(rgb[whole], base[whole], vote[whole], asked), stage.tail)
    at = np.flatnonzero(near)
    solved, believed = _solve([plane.reshape(-1)[at] for plane in planes], stage)
    inside = np.zeros((near.size, 4), np.float32)
    inside[at] = solved
    slopes[box] = inside.reshape(*near.shape, 4)
    belief = np.zeros(near.size, np.float32)
    belief[at] = believed * near.reshape(-1)[at]
    trust[box] = belief.reshape(near.shape)
    return Lines(slopes, trust, base)


def _moments(rgb: Floats, base: Floats, vote: Floats, reach: Floats) -> list[Floats]:
    """Computes the weighted products whose window means are the regression's sums, on the grid (`reach` is on
    it, too), with at most four channels a plane.

    Works in bands that fit the processor's cache, only as wide as the area that may change.
    """
    rows, columns = reach.shape
    planes = [np.zeros((rows, columns, count), np.float32) for count in (4, 4, 4, 2)]
    margin = _CORE[0] // 2

    def band(top: int) -> None:
        bottom = min(rows, top + _BAND)
        used = np.flatnonzero(reach[max(0, top - margin) : bottom + margin].any(axis=0))
        if not used.size:
            return
        left, right = max(0, int(used[0]) - margin), min(columns, int(used[-1]) + 1 + margin)
        part = (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right))
        products = _products(rgb[part], base[part], vote[part])
        for plane, product in zip(planes, products, strict=True):
            plane[top:bottom, left:right] = resize_area(product, (right - left, bottom - top))

    parallel_map(band, list(range(0, rows, _BAND)))
    return planes


def _products(rgb: Floats, base: Floats, vote: Floats) -> list[Floats]:
    red, green, blue = cv2.split(rgb)
    weight = np.square(2 * base - 1)
    weight *= vote
    weight += np.float32(1e-6)
    # Steepen the target, so that the soft ramp of an enlarged map is not learnt.
    verdict = np.clip(2 * base - np.float32(0.5), 0, 1)
    wr, wg, wb, wp = weight * red, weight * green, weight * blue, weight * verdict
    return [
        np.asarray(cv2.merge(group), np.float32)
        for group in (
            [weight, wr, wg, wb],
            [wr * red, wr * green, wr * blue, wg * green],
            [wg * blue, wb * blue, wp, wp * red],
            [wp * green, wp * blue],
        )
    ]


def _windowed(planes: list[Floats], tail: float) -> list[Floats]:
    """Returns the 14 window sums, each h×w. OpenCV releases the GIL, so the planes run in parallel."""

    def window(plane: Floats) -> Floats:
        core = np.asarray(cv2.GaussianBlur(plane, _CORE, _SIGMA, borderType=cv2.BORDER_REFLECT), np.float32)
        if tail:
            core += np.float32(tail) * long_tail_blur(plane, tail, _LEVELS - 1)
        return core

    return [
        np.asarray(part, np.float32) for plane in parallel_map(window, planes) for part in cv2.split(plane)
    ]


def long_tail_blur(plane: Floats, tail: float, levels: int) -> Floats:
    """Blurs with a Gaussian window plus `tail` times the same at half the size, recursively for `levels`
    levels.
    """
    total = np.asarray(
        cv2.GaussianBlur(plane, _WIDER_CORE, _WIDER, borderType=cv2.BORDER_REFLECT), np.float32
    )
    height, width = plane.shape[:2]
    if tail and levels and min(height, width) > 8:
        smaller = resize_area(plane, half((width, height)))
        wider = long_tail_blur(smaller, tail, levels - 1)
        total += np.float32(tail) * cv2.resize(wider, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def _solve(sums: list[Floats], stage: Stage) -> tuple[Floats, Floats]:
    """Solves the regression from the window sums: slopes, n×4 (stretched by R² and gain), and their trust,
    n."""
    share = 1 / (sums[0] + np.float32(1e-9))
    red, green, blue, mean = (sums[k] * share for k in (1, 2, 3, 10))
    smooth = np.float32(stage.smooth)
    rr = sums[4] * share - red * red + smooth
    rg = sums[5] * share - red * green
    rb = sums[6] * share - red * blue
    gg = sums[7] * share - green * green + smooth
    gb = sums[8] * share - green * blue
    bb = sums[9] * share - blue * blue + smooth
    cr, cg, cb = (
        sums[11] * share - red * mean,
        sums[12] * share - green * mean,
        sums[13] * share - blue * mean,
    )
    # The inverse of the symmetric 3×3 colour covariance by its cofactors.
    grr, grg, grb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    ggg, ggb, gbb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * grr + rg * grg + rb * grb)
    ar = (grr * cr + grg * cg + grb * cb) * scale
    ag = (grg * cr + ggg * cg + ggb * cb) * scale
    ab = (grb * cr + ggb * cg + gbb * cb) * scale
    explained = np.clip((ar * cr + ag * cg + ab * cb) / np.maximum(mean * (1 - mean), 1e-6), 0, 1)
    # Undo only half of the shrinkage: undoing all of it would amplify noise between similar colours.
    kept = np.sqrt(explained)
    stretch = np.float32(stage.gain) / np.maximum(kept, np.float32(0.05))
    offset = mean - ar * red - ag * green - ab * blue - mean * (1 - kept)
    offset = offset * stretch + np.float32(0.5 - 0.5 * stage.gain)
    slopes = np.stack([ar * stretch, ag * stretch, ab * stretch, offset], axis=1)
    trust = np.clip((explained - np.float32(_UNTRUSTED)) / np.float32(_TRUSTED - _UNTRUSTED), 0, 1)
    return slopes.astype(np.float32, copy=False), trust.astype(np.float32, copy=False)


def _evaluate(slopes: Floats, rgb: Floats | Bytes) -> Floats:
    line = slopes[..., 0] * rgb[..., 0]
    line += slopes[..., 1] * rgb[..., 1]
    line += slopes[..., 2] * rgb[..., 2]
    line += slopes[..., 3]
    return np.asarray(line, np.float32)


def apply_lines(lines: Lines, rgb: Bytes) -> Bytes:
    """Applies the coefficients of the working size to the picture itself; returns the matte, H×W uint8.

    Outside the tiles with an edge it is the enlarged base. Values within 1/64 of either end are snapped to
    it.
    """
    height, width = rgb.shape[:2]
    stretch = np.float32(64 / 62)
    base = np.rint(np.clip((lines.base - np.float32(0.5)) * stretch + np.float32(0.5), 0, 1) * 255)
    out = np.asarray(
        cv2.resize(base.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
    )
    touched = lines.trust > 0
    # For colours and results in 0..255, snapped like the base.
    slopes = lines.slopes * stretch
    slopes[..., 3] = (slopes[..., 3] + np.float32(0.5) * (1 - stretch)) * 255

    def lay(tile: Tile) -> None:
        if not touched[tile.cells].any():
            return
        under = out[tile.pixels]
        line = _evaluate(tile.enlarged(slopes), rgb[tile.pixels])
        np.clip(line, 0, 255, out=line)
        line -= under
        line *= tile.enlarged(lines.trust)
        line += under
        out[tile.pixels] = cv2.convertScaleAbs(line)

    rows, columns = touched.shape
    parallel_map(lay, tiles((width, height), (columns, rows), max(8, round(_TILE * columns / width))))
    return out
