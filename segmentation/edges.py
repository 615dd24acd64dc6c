"""Edges that follow the picture, in linear time: local lines through colour space, fitted to the map.

Around every pixel the map's own verdict (inside, outside) is regressed on colour, as the guided filter does
(He, Sun, Tang, "Guided image filtering", TPAMI 2013), with four changes that the measurements asked for:

- Pixels count by how sure the map is of them, so that its soft ramp does not teach its own softness.
- At first the window has a long tail (a pyramid of Gaussians): where nobody near is sure, others decide.
  Where the map wavers over a wide zone, all of that zone and its surroundings loses its vote.
- A regression shrinks towards the mean by its own coefficient of determination R²: the fit is stretched back.
- Where R² is low, colour says nothing, and the map is kept.

First at 320 pixels, where the map's own mistakes are put right, then at WORKING pixels on the longer side,
where the edge is laid; its lines are applied to the picture itself, tile by tile, where there is an edge.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

COARSE = 320
WORKING = 800
_TILE = 256
_SIGMA = 2.0  # of the window's core, in pixels of the stage
_CORE = (11, 11)  # where the core's Gaussian is cut off
_LEVELS = 4  # of the window's tail: up to 2 · 2⁴ = 32 pixels


@dataclass(frozen=True, slots=True)
class Stage:
    """How one pass weighs. `tail`: the share of each wider window. `doubt`: the share of their vote that
    wavering zones lose. `smooth`: added to the colour variance (colours in 0..1). `gain`: contrast."""

    tail: float
    doubt: float
    smooth: float
    gain: float


FIRST = Stage(tail=0.3, doubt=0.95, smooth=1e-4, gain=1.0)
SECOND = Stage(tail=0.0, doubt=0.0, smooth=3e-4, gain=1.1)


@dataclass(frozen=True, slots=True)
class Lines:
    """matte = base + trust · (clip(red·r + green·g + blue·b + offset) - base), at the stage's size.

    `slopes`: h×w×4 float32 (red, green, blue, offset; colours in 0..1); `trust`, `base`: h×w float32 in 0..1.
    """

    slopes: Floats
    trust: Floats
    base: Floats

    def matte(self, rgb: Floats) -> Floats:
        """The matte of a picture of the same size (h×w×3 float32 in 0..1)."""
        return _mixed(self.slopes, rgb, self.trust, self.base)


def refine_edges(coarse: Floats, rgb: Bytes) -> Bytes:
    """The matte, H×W uint8, from the map (h×w float32 in 0..1) and the picture (H×W×3 uint8 sRGB)."""
    return apply_lines(fit(coarse, rgb), rgb)


def fit(coarse: Floats, rgb: Bytes, longest: int = WORKING) -> Lines:
    """The local lines of a picture, `longest` pixels on its longer side (less where it has less)."""
    height, width = rgb.shape[:2]
    doubt, reach = _zones(coarse)
    small = shrunk(rgb, fitting(width, height, longest))
    tiny = _resized_area(small, fitting(width, height, COARSE))
    first = _pass(tiny, coarse, doubt, reach, FIRST)
    return _pass(small, first.matte(tiny), doubt, reach, SECOND)


def fitting(width: int, height: int, longest: int) -> tuple[int, int]:
    """(width, height) with the longer side at most `longest`, no side below 1."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(rgb: Bytes, size: tuple[int, int]) -> Floats:
    """The picture (H×W×3 uint8) at `size` (width, height), each pixel a mean, as float32 in 0..1."""
    small = rgb if rgb.shape[1::-1] == size else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.multiply(small, np.float32(1 / 255), dtype=np.float32)


def _resized_area(picture: Floats, size: tuple[int, int]) -> Floats:
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _bilinear(plane: Floats, size: tuple[int, int]) -> Floats:
    if plane.shape[1::-1] == size:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)


def disk(radius: int) -> Bytes:
    """A round structuring element for OpenCV's morphology, 2·radius + 1 pixels wide."""
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _zones(coarse: Floats) -> tuple[Floats, Floats]:
    """(doubt, reach) of a map, both of its size, in 0..1.

    Doubt: where the map wavers over more than the two or three pixels of a sound edge, and 12 pixels around.
    Reach: what may be changed at all, the neighbourhood of an edge and of doubt.
    """
    wavering = 4 * coarse * (1 - coarse)
    wide = cv2.dilate(cv2.erode(wavering, disk(1)), disk(13))
    doubt = np.clip(1.5 * cv2.GaussianBlur(wide, (0, 0), 4), 0, 1).astype(np.float32)
    near = cv2.GaussianBlur(coarse, (0, 0), 2)
    edge = np.clip((4 * near * (1 - near) - 0.02) / 0.28, 0, 1)
    # A map is nowhere quite 0 or 1: what is nearly nothing is nothing, and costs nothing.
    return doubt, np.clip(np.maximum(doubt, edge) * 1.05 - 0.05, 0, 1).astype(np.float32)


def _pass(rgb: Floats, matte: Floats, doubt: Floats, reach: Floats, stage: Stage) -> Lines:
    """One fit of the matte (any size) on a picture (h×w×3 float32 in 0..1)."""
    height, width = rgb.shape[:2]
    size = (width, height)
    base = np.clip(_bilinear(matte, size), 0, 1)
    reach = _bilinear(reach, size)
    weight = np.square(2 * base - 1)
    if stage.doubt:
        weight *= np.square(1 - np.float32(stage.doubt) * _bilinear(doubt, size))
    weight += np.float32(1e-6)
    # The verdict leans to its side, so that the soft ramp of an enlarged map is not learnt.
    verdict = np.clip(2 * base - np.float32(0.5), 0, 1)
    planes = _windowed(_moments(rgb, verdict, weight), stage.tail)
    at = np.flatnonzero(reach > 0)
    slopes = np.zeros((height * width, 4), np.float32)
    trust = np.zeros(height * width, np.float32)
    if at.size:
        slopes[at], trust[at] = _solved([plane.reshape(-1)[at] for plane in planes], stage)
        trust[at] *= reach.reshape(-1)[at]
    return Lines(slopes.reshape(height, width, 4), trust.reshape(height, width), base)


def _moments(rgb: Floats, matte: Floats, weight: Floats) -> list[Floats]:
    """Weighted products whose window means are the regression's sums, at most four channels a plane."""
    red, green, blue = cv2.split(rgb)
    wr, wg, wb, wp = weight * red, weight * green, weight * blue, weight * matte
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
    with ThreadPoolExecutor(len(planes)) as pool:
        done = list(pool.map(lambda plane: tailed(plane, tail, _LEVELS), planes))
    return [np.asarray(channel, np.float32) for plane in done for channel in cv2.split(plane)]


def tailed(plane: Floats, tail: float, levels: int) -> Floats:
    """A Gaussian window plus `tail` times the same at half the size, and so on down."""
    total = np.asarray(cv2.GaussianBlur(plane, _CORE, _SIGMA, borderType=cv2.BORDER_REFLECT), np.float32)
    height, width = plane.shape[:2]
    if tail and levels and min(height, width) > 8:
        half = cv2.resize(plane, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        wider = tailed(np.asarray(half, np.float32), tail, levels - 1)
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
    trust = np.clip((explained - np.float32(0.4)) / np.float32(0.4), 0, 1)
    return slopes.astype(np.float32, copy=False), trust.astype(np.float32, copy=False)


def _mixed(slopes: Floats, rgb: Floats, trust: Floats, base: Floats) -> Floats:
    line = slopes[..., 0] * rgb[..., 0]
    line += slopes[..., 1] * rgb[..., 1]
    line += slopes[..., 2] * rgb[..., 2]
    line += slopes[..., 3]
    np.clip(line, 0, 1, out=line)
    line -= base
    line *= trust
    line += base
    return line


def apply_lines(lines: Lines, rgb: Bytes) -> Bytes:
    """The matte of the picture itself, H×W uint8, from the lines of its working size.

    Outside the tiles with an edge it is the base, enlarged; noise of 1/64 at both ends is taken away.
    """
    height, width = rgb.shape[:2]
    base = cv2.convertScaleAbs(_snapped(lines.base), alpha=255)
    out = np.asarray(cv2.resize(base, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    small_h, small_w = lines.trust.shape
    step = (small_w / width, small_h / height)
    touched = lines.trust > 0
    rest = np.asarray(cv2.merge([lines.trust, lines.base]), np.float32)

    def tile(corner: tuple[int, int]) -> None:
        x, y = corner
        w, h = min(_TILE, width - x), min(_TILE, height - y)
        left, top = int(x * step[0]), int(y * step[1])
        right, bottom = int((x + w) * step[0]) + 2, int((y + h) * step[1]) + 2
        if not touched[max(0, top - 1) : bottom, max(0, left - 1) : right].any():
            return
        # Half-pixel centres: source = (target + ½)·step - ½.
        way = np.array(
            [
                [step[0], 0, (x + 0.5) * step[0] - 0.5],
                [0, step[1], (y + 0.5) * step[1] - 0.5],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        slopes = cv2.warpAffine(lines.slopes, way, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        trust, under = cv2.split(
            cv2.warpAffine(rest, way, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        )
        part = np.multiply(rgb[y : y + h, x : x + w], np.float32(1 / 255), dtype=np.float32)
        mixed = _mixed(np.asarray(slopes), part, np.asarray(trust), np.asarray(under))
        out[y : y + h, x : x + w] = cv2.convertScaleAbs(_snapped(mixed), alpha=255)

    corners = [(x, y) for y in range(0, height, _TILE) for x in range(0, width, _TILE)]
    with ThreadPoolExecutor(min(4, len(corners))) as pool:
        list(pool.map(tile, corners))
    return out


def _snapped(matte: Floats) -> Floats:
    return np.clip((matte - np.float32(0.5)) * np.float32(64 / 62) + np.float32(0.5), 0, 1)
