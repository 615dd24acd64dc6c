"""Predicts a result's size, in pixels and in bytes, before anything is decoded.

Does not import NumPy, because web processes use it, too.
"""

from __future__ import annotations

import math
from typing import Final

from segmentation.recipe import Backdrop, Blurred, Recipe

Box = tuple[int, int, int, int]

# Limits of a result, unless its source is as large.
MAX_SIDE: Final = 16384
MAX_PIXELS: Final = 100_000_000

# Bytes per pixel that a photo's file seldom exceeds: for a cut-out or a plain background, and for a result
# that is a photo all over.
_BYTES: Final[dict[str, tuple[float, float]]] = {
    "png": (1.3, 2.5),
    "webp-lossless": (0.9, 1.8),
    "jpeg": (0.35, 0.5),
    "webp": (0.2, 0.3),
    "avif": (0.2, 0.3),
    "zip": (0.6, 0.6),
}
# Above this quality the lossy formats take about three times as much.
_FINE: Final = 92
_GREY: Final = 0.15
_HEADERS: Final = 2048


def frame(width: int, height: int, subject: Box, recipe: Recipe) -> Box:
    """Returns the part of the source that the canvas shows. With a margin it may extend beyond the source."""
    if not recipe.crop:
        return 0, 0, width, height
    left, top, right, bottom = subject
    above, after, below, before = recipe.crop_margin
    tall, wide = bottom - top, right - left
    return (
        left - round(before.pixels(wide)),
        top - round(above.pixels(tall)),
        right + round(after.pixels(wide)),
        bottom + round(below.pixels(tall)),
    )


def canvas(width: int, height: int, recipe: Recipe) -> tuple[int, int]:
    """Returns the width and height of the result for a frame of that size."""
    size = recipe.size
    if size is None:
        return width, height
    if size.megapixels:
        # Round down, so that the limit is never exceeded.
        shrink = min(1.0, math.sqrt(size.megapixels * 1e6 / (width * height)))
        return (width, height) if shrink == 1 else (max(1, int(width * shrink)), max(1, int(height * shrink)))
    return (
        size.width or max(1, round(width * size.height / height)),
        size.height or max(1, round(height * size.width / width)),
    )


def expected(width: int, height: int, recipe: Recipe) -> tuple[int, int]:
    """Returns the width and height of the result for a source of that size. Exact, unless the result is
    cropped to its subject, which is then assumed to fill the picture.
    """
    left, top, right, bottom = frame(width, height, (0, 0, width, height), recipe)
    return canvas(right - left, bottom - top, recipe)


def expected_bytes(pixels: int, recipe: Recipe) -> int:
    """Returns the expected file size of a result with so many pixels; a photo's file seldom exceeds it."""
    per_pixel = _BYTES[recipe.format][isinstance(recipe.background, Backdrop | Blurred)]
    if recipe.channels == "alpha":
        per_pixel = min(per_pixel, _GREY)
    elif (recipe.quality or 0) > _FINE:
        per_pixel *= 3
    return _HEADERS + math.ceil(per_pixel * pixels)


def expected_matte_bytes(pixels: int) -> int:
    """Returns the expected file size of the matte of a source with so many pixels."""
    return _HEADERS + math.ceil(_GREY * pixels)
