"""How large a result will be, in pixels and in bytes, before anything is decoded.

Without NumPy, for the web asks, too.
"""

from __future__ import annotations

import math
from typing import Final

from segmentation.recipe import Backdrop, Blurred, Recipe

Box = tuple[int, int, int, int]

# What a result has at most, unless its source is as large.
MAX_SIDE: Final = 16384
MAX_PIXELS: Final = 100_000_000

# Bytes for each pixel that a file of a photo seldom exceeds: of a cut-out or a plain background, and of a
# result that is all picture.
_BYTES: Final[dict[str, tuple[float, float]]] = {
    "png": (1.3, 2.5),
    "webp-lossless": (0.9, 1.8),
    "jpeg": (0.35, 0.5),
    "webp": (0.2, 0.3),
    "avif": (0.2, 0.3),
    "zip": (0.6, 0.6),
}
# Above this the lossy formats take about three times as much.
_FINE: Final = 92
_GREY: Final = 0.15
_HEADERS: Final = 2048


def frame(width: int, height: int, subject: Box, recipe: Recipe) -> Box:
    """What of the source the canvas shows; with a margin it may reach beyond the source."""
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
    """Width and height of the result of a frame of that size."""
    size = recipe.size
    if size is None:
        return width, height
    if size.megapixels:
        # Rounded down, so that the limit is one.
        shrink = min(1.0, math.sqrt(size.megapixels * 1e6 / (width * height)))
        return (width, height) if shrink == 1 else (max(1, int(width * shrink)), max(1, int(height * shrink)))
    return (
        size.width or max(1, round(width * size.height / height)),
        size.height or max(1, round(height * size.width / width)),
    )


def expected(width: int, height: int, recipe: Recipe) -> tuple[int, int]:
    """Width and height of the result of a source of that size: exact, unless it is cropped to its subject,
    which is then taken to fill the picture.
    """
    left, top, right, bottom = frame(width, height, (0, 0, width, height), recipe)
    return canvas(right - left, bottom - top, recipe)


def expected_bytes(pixels: int, recipe: Recipe) -> int:
    """What the file of a result of so many pixels will take, seldom exceeded by a photo's."""
    per_pixel = _BYTES[recipe.format][isinstance(recipe.background, Backdrop | Blurred)]
    if recipe.channels == "alpha":
        per_pixel = min(per_pixel, _GREY)
    elif (recipe.quality or 0) > _FINE:
        per_pixel *= 3
    return _HEADERS + math.ceil(per_pixel * pixels)


def expected_matte_bytes(pixels: int) -> int:
    """What the matte of a source of so many pixels will take."""
    return _HEADERS + math.ceil(_GREY * pixels)
