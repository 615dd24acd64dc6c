"""The values that go in and out of the door for pictures: limits, what a header says, decoded pixels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from segmentation.pictures.density import Density

Pixels = npt.NDArray[np.uint8]
_NOT_HALVED = 1280  # pixels on the longer side
PictureSource = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class Limits:
    """What a picture may cost, checked on its header before a pixel is decoded.

    max_bytes: size of the file. max_pixels: width × height. max_side: the longer side in pixels; at the most
    that JPEG can hold, so that every step of the engine and every result but WebP has room for it.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 65_500


@dataclass(frozen=True)
class Format:
    """A file format that we take: our name for it, what HTTP calls it, and how such files are recognised.

    extension: the usual one. suffixes: all that its files have, without the dot. signatures: (offset, bytes)
    of which one is at the start of every such file; another kind of file may have it, too.
    """

    name: str
    label: str
    media_type: str
    extension: str
    suffixes: tuple[str, ...]
    signatures: tuple[tuple[int, bytes], ...]


_FTYP = ((4, b"ftyp"),)
_PNM = tuple(
    (0, b"P%d" % kind + space) for kind in range(1, 7) for space in (b"\n", b"\r", b" ", b"\t", b"#")
)
_TIFF = tuple((0, start) for start in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"))

FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(
            "jpeg", "JPEG", "image/jpeg", "jpg",
            ("jpg", "jpeg", "jpe", "jfif", "mpo"), ((0, b"\xff\xd8\xff"),),
        ),
        Format("png", "PNG", "image/png", "png", ("png", "apng"), ((0, b"\x89PNG"),)),
        Format("webp", "WebP", "image/webp", "webp", ("webp",), ((8, b"WEBP"),)),
        Format("gif", "GIF", "image/gif", "gif", ("gif",), ((0, b"GIF8"),)),
        Format("bmp", "BMP", "image/bmp", "bmp", ("bmp", "dib"), ((0, b"BM"),)),
        Format("tiff", "TIFF", "image/tiff", "tif", ("tif", "tiff"), _TIFF),
        Format("heic", "HEIC", "image/heic", "heic", ("heic", "heif", "hif", "heics", "heifs"), _FTYP),
        Format("avif", "AVIF", "image/avif", "avif", ("avif", "avifs"), _FTYP),
        Format(
            "jp2", "JPEG 2000", "image/jp2", "jp2",
            ("jp2", "j2k", "jpf", "jpx", "j2c", "jpc"), ((4, b"jP  "), (0, b"\xff\x4f\xff\x51")),
        ),
        Format("ico", "ICO", "image/vnd.microsoft.icon", "ico", ("ico",), ((0, b"\x00\x00\x01\x00"),)),
        Format("pnm", "PNM", "image/x-portable-anymap", "pnm", ("pnm", "ppm", "pgm", "pbm"), _PNM),
    )
}  # fmt: skip


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
    its thumbnail blanked; with the file's resolution, artist and copyright where it has those elsewhere.
    density: pixels per inch across and down, or None where the file does not say.
    """

    rgb: Pixels
    alpha: Pixels | None
    info: PictureInfo
    exif: bytes | None = None
    density: Density | None = None

    @cached_property
    def halfway(self) -> Pixels | None:
        """The colours at half the size (shrink.half_of), made once for all who start with that; None for a
        picture that nobody halves."""
        if max(self.rgb.shape[:2]) <= _NOT_HALVED or min(self.rgb.shape[:2]) < 2:
            return None
        # Not at import: the web process looks at headers only.
        from segmentation.shrink import half_of

        return half_of(self.rgb)
