"""The values that go in and out of the door for pictures: limits, what a header says, decoded pixels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
_NOT_HALVED = 1280  # pixels on the longer side
PictureSource = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class Limits:
    """What a picture may cost, checked on its header before a pixel is decoded.

    max_bytes: size of the file. max_pixels: width × height. max_side: the longer side in pixels.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 30_000


@dataclass(frozen=True)
class Format:
    """A file format that we take: our name for it, what HTTP calls it, the usual file extension."""

    name: str
    label: str
    media_type: str
    extension: str


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("jpeg", "JPEG", "image/jpeg", "jpg"),
        Format("png", "PNG", "image/png", "png"),
        Format("webp", "WebP", "image/webp", "webp"),
        Format("gif", "GIF", "image/gif", "gif"),
        Format("bmp", "BMP", "image/bmp", "bmp"),
        Format("tiff", "TIFF", "image/tiff", "tif"),
        Format("heic", "HEIC", "image/heic", "heic"),
        Format("avif", "AVIF", "image/avif", "avif"),
        Format("jp2", "JPEG 2000", "image/jp2", "jp2"),
    )
}


@dataclass(frozen=True)
class PictureInfo:
    """What the header says. width and height are those of the upright picture, after its orientation mark.

    `warnings` are sentences for a person; the picture is usable all the same.
    """

    format: str
    width: int
    height: int
    media_type: str
    extension: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DecodedPicture:
    """An upright picture in sRGB.

    rgb: HxWx3 uint8, straight (never multiplied by alpha), C-contiguous.
    alpha: HxW uint8, or None where the file has no transparency or is opaque everywhere.
    exif: the file's EXIF block (a TIFF structure, without the "Exif" prefix), its orientation set to 1 and
    its thumbnail blanked.
    """

    rgb: Pixels
    alpha: Pixels | None
    info: PictureInfo
    exif: bytes | None = None

    @cached_property
    def halfway(self) -> Pixels | None:
        """The colours at half the size (shrink.half_of), made once for all who start with that; None for a
        picture that nobody halves."""
        if max(self.rgb.shape[:2]) <= _NOT_HALVED or min(self.rgb.shape[:2]) < 2:
            return None
        # Not at import: the web process looks at headers only.
        from segmentation.shrink import half_of

        return half_of(self.rgb)
