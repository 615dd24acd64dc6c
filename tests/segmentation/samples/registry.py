"""The table of synthetic files: format × mode × orientation × profile × bit depth, with the correct pixels.

A row is a name and a function that returns the file, its expected pixels, and the tolerance: 0 for lossless
files, a stated number of levels for lossy ones (quality 100 without chroma subsampling if the writer allows
it) and 1 for colour conversions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .scene import HEIGHT, WIDTH, Pixels, grey, ramp, scene

PNG, JPEG, WEBP, GIF, BMP, TIFF, HEIC, AVIF, JP2, ICO, PNM = (
    "png", "jpeg", "webp", "gif", "bmp", "tiff", "heic", "avif", "jp2", "ico", "pnm",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A file and its expected pixels. `rgb` is compared where `alpha` is not 0."""

    format: str
    data: bytes
    rgb: Pixels
    alpha: Pixels | None = None
    tolerance: int = 0
    warnings: int = 0


ROWS: dict[str, Callable[[], Sample]] = {}


def row(name: str) -> Callable[[Callable[[], Sample]], Callable[[], Sample]]:
    def add(make: Callable[[], Sample]) -> Callable[[], Sample]:
        ROWS[name] = make
        return make

    return add


def add(name: str, make: Callable[[], Sample]) -> None:
    ROWS[name] = make


def rgba(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    return np.dstack([scene(width, height), ramp(width, height)])


def cmyk_scene() -> Pixels:
    return np.dstack([scene(), grey() // 4])


def cmyk_shown(inks: Pixels) -> Pixels:
    """(1 - ink) × (1 - black): the meaning of CMYK without a profile."""
    inks = inks.astype(float) / 255
    return (255 * (1 - inks[..., :3]) * (1 - inks[..., 3:])).round().astype(np.uint8)


FULL: dict[str, object] = {"quality": 100, "subsampling": 0}
# AVIF's best here: it still converts through YCbCr, which costs up to 3 levels.
EVEN: dict[str, object] = {"quality": 100, "subsampling": "4:4:4"}


def palette_image() -> tuple[Image.Image, Pixels]:
    image = Image.fromarray(scene()).quantize(64, dither=Image.Dither.NONE)
    return image, np.asarray(image.convert("RGB"))


def levels(depth: int) -> Pixels:
    """Returns grey samples that use every value of the depth (up to 16 bits, then rounded ones, too)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (x * 7919 + y * 104729) % 2**depth
