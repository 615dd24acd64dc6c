"""Local lines through colour space, fitted to a matte, and their laying on the picture.

Around every pixel a matte is regressed on colour, as the guided filter does (He, Sun, Tang, "Guided image
filtering", TPAMI 2013), with three changes that the measurements asked for:

- Pixels count by how sure the matte is of them, so that its soft ramp does not teach its own softness.
- A regression shrinks towards the mean by its own coefficient of determination R²: the fit is stretched back.
- Where R² is low, colour says nothing, and the matte is kept.

The products of the regression are taken pixel by pixel, their windows and the lines on a grid of half the
size (He and Sun, "Fast guided filter", 2015, go further and halve the products, too).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.tiles import Tile, every, tiles

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

_SIGMA = 1.0  # of the window's core, in pixels of the grid
_CORE = (7, 7)  # where the core's Gaussian is cut off
_WIDER = 2.0  # the same for each level of the tail, in pixels of that level
_WIDER_CORE = (11, 11)
_LEVELS = 4  # of the window's tail: up to 2 · 2⁴ = 32 pixels of the picture fitted
_BAND = 32  # rows of the grid whose products are taken at a time
_TILE = 160  # pixels of the picture a side, about
_UNTRUSTED, _TRUSTED = 0.5, 0.9  # R² from which colour is believed a little, and wholly


@dataclass(frozen=True, slots=True)
class Stage:
    """How one fit weighs. `tail`: the share of each wider window. `smooth`: added to the colour variance
    (colours in 0..1). `gain`: contrast."""

    tail: float
    smooth: float
    gain: float


@dataclass(frozen=True, slots=True)
class Lines:
    """matte = base + trust · (clip(red·r + green·g + blue·b + offset) - base).

    `base`: H×W float32 in 0..1, the matte fitted. On a grid of any size: `slopes`, h×w×4 float32 (red,
    green, blue, offset; colours in 0..1), and `trust`, h×w float32 in 0..1.
    """

    slopes: Floats
    trust: Floats
    base: Floats

    def matte(self, rgb: Floats) -> Floats:
        """The matte of a picture of the base's size (H×W×3 float32 in 0..1)."""
        size = (rgb.shape[1], rgb.shape[0])
        slopes, trust = bilinear(self.slopes, size), bilinear(self.trust, size)
        line = _on_line(slopes, rgb)
        np.clip(line, 0, 1, out=line)
        line -= self.base
        line *= trust
        line += self.base
        return line


def bilinear(plane: Floats, size: tuple[int, int]) -> Floats:
    """The plane at `size` (width, height); itself where it has that size."""
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)


def averaged(plane: Floats, size: tuple[int, int]) -> Floats:
    """The same, each pixel a mean of those that it stands for."""
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def half(size: tuple[int, int]) -> tuple[int, int]:
    """Half of a (width, height), rounded up."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def fit_lines(rgb: Floats, base: Floats, vote: Floats, reach: Floats, stage: Stage) -> Lines:
    """The lines of `base` (H×W float32 in 0..1) on a picture of its size (H×W×3 float32 in 0..1).

    `vote`, H×W float32 in 0..1: what each pixel's say is multiplied with. `reach`, float32 in 0..1, of any
    size: what may be changed at all; nothing is fitted where it is 0.
    """
    height, width = base.shape
    grid = half((width, height))
    reach = bilinear(reach, grid)
    slopes = np.zeros((grid[1], grid[0], 4), np.float32)
    trust = np.zeros((grid[1], grid[0]), np.float32)
    rows, columns = np.flatnonzero(reach.any(axis=1)), np.flatnonzero(reach.any(axis=0))
    if not rows.size:
        return Lines(slopes, trust, base)
    # Only the box of what may change, and what its windows reach.
    margin = _CORE[0] // 2
    top, bottom = max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin
    left, right = max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin
    if stage.tail:  # its window reaches everywhere
        top, bottom, left, right = 0, grid[1], 0, grid[0]
    whole = (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right))
    box = (slice(top, bottom), slice(left, right))
    near = reach[box]
    asked = np.ones_like(near) if stage.tail else near
    planes = _windowed(_moments(rgb[whole], base[whole], vote[whole], asked), stage.tail)
    at = np.flatnonzero(near)
    solved, believed = _solved([plane.reshape(-1)[at] for plane in planes], stage)
    inside = np.zeros((near.size, 4), np.float32)
    inside[at] = solved
    slopes[box] = inside.reshape(*near.shape, 4)
    belief = np.zeros(near.size, np.float32)
    belief[at] = believed * near.reshape(-1)[at]
    trust[box] = belief.reshape(near.shape)
    return Lines(slopes, trust, base)


def _moments(rgb: Floats, base: Floats, vote: Floats, reach: Floats) -> list[Floats]:
    """Weighted products whose window means are the regression's sums, at most four channels a plane, on the
    grid; reach is on the grid.

    Band by band, which stay in the processor's cache, and only as wide as something may change there.
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
            plane[top:bottom, left:right] = averaged(product, (right - left, bottom - top))

    every(band, list(range(0, rows, _BAND)))
    return planes


def _products(rgb: Floats, base: Floats, vote: Floats) -> list[Floats]:
    red, green, blue = cv2.split(rgb)
    weight = np.square(2 * base - 1)
    weight *= vote
    weight += np.float32(1e-6)
    # The verdict leans to its side, so that the soft ramp of an enlarged map is not learnt.
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
    """The 14 window sums, each h×w. OpenCV lets go of the GIL: the planes are worked on side by side."""

    def window(plane: Floats) -> Floats:
        core = np.asarray(cv2.GaussianBlur(plane, _CORE, _SIGMA, borderType=cv2.BORDER_REFLECT), np.float32)
        if tail:
            core += np.float32(tail) * tailed(plane, tail, _LEVELS - 1)
        return core

    return [np.asarray(part, np.float32) for plane in every(window, planes) for part in cv2.split(plane)]


def tailed(plane: Floats, tail: float, levels: int) -> Floats:
    """A Gaussian window plus `tail` times the same at half the size, and so on down."""
    total = np.asarray(
        cv2.GaussianBlur(plane, _WIDER_CORE, _WIDER, borderType=cv2.BORDER_REFLECT), np.float32
    )
    height, width = plane.shape[:2]
    if tail and levels and min(height, width) > 8:
        smaller = averaged(plane, half((width, height)))
        wider = tailed(smaller, tail, levels - 1)
        total += np.float32(tail) * cv2.resize(wider, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def _solved(sums: list[Floats], stage: Stage) -> tuple[Floats, Floats]:
    """The regression's slopes, n×4 (stretched by R² and gain), and the trust in them, n, from window sums."""
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
    # Half of the shrinking is undone: all of it would blow up the noise of colours that hardly differ.
    kept = np.sqrt(explained)
    stretch = np.float32(stage.gain) / np.maximum(kept, np.float32(0.05))
    offset = mean - ar * red - ag * green - ab * blue - mean * (1 - kept)
    offset = offset * stretch + np.float32(0.5 - 0.5 * stage.gain)
    slopes = np.stack([ar * stretch, ag * stretch, ab * stretch, offset], axis=1)
    trust = np.clip((explained - np.float32(_UNTRUSTED)) / np.float32(_TRUSTED - _UNTRUSTED), 0, 1)
    return slopes.astype(np.float32, copy=False), trust.astype(np.float32, copy=False)


def _on_line(slopes: Floats, rgb: Floats | Bytes) -> Floats:
    line = slopes[..., 0] * rgb[..., 0]
    line += slopes[..., 1] * rgb[..., 1]
    line += slopes[..., 2] * rgb[..., 2]
    line += slopes[..., 3]
    return np.asarray(line, np.float32)


def apply_lines(lines: Lines, rgb: Bytes) -> Bytes:
    """The matte of the picture itself, H×W uint8, from the lines of its working size.

    Outside the tiles with an edge it is the base, enlarged; noise of 1/64 at both ends is taken away.
    """
    height, width = rgb.shape[:2]
    stretch = np.float32(64 / 62)
    base = np.rint(np.clip((lines.base - np.float32(0.5)) * stretch + np.float32(0.5), 0, 1) * 255)
    out = np.asarray(
        cv2.resize(base.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
    )
    touched = lines.trust > 0
    # For colours in 0..255 and an answer in 0..255, snapped as the base is.
    slopes = lines.slopes * stretch
    slopes[..., 3] = (slopes[..., 3] + np.float32(0.5) * (1 - stretch)) * 255

    def lay(tile: Tile) -> None:
        if not touched[tile.cells].any():
            return
        under = out[tile.pixels]
        line = _on_line(tile.enlarged(slopes), rgb[tile.pixels])
        np.clip(line, 0, 255, out=line)
        line -= under
        line *= tile.enlarged(lines.trust)
        line += under
        out[tile.pixels] = cv2.convertScaleAbs(line)

    rows, columns = touched.shape
    every(lay, tiles((width, height), (columns, rows), max(8, round(_TILE * columns / width))))
    return out
