"""Value types of the picture package: formats, limits, header information, decoded pixels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from segmentation.pictures.density import Density

Pixels = npt.NDArray[np.uint8]
_MAX_UNHALVED_SIDE = 1280  # pixels on the longer side; smaller pictures are never halved
PictureSource = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class Limits:
    """Limits of a picture, checked on its header before a pixel is decoded.

    max_bytes: file size. max_pixels: width × height. max_side: the longer side in pixels; by default the most
    that JPEG supports, so that every step of the engine and every result format but WebP can hold it.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 65_500


@dataclass(frozen=True)
class Format:
    """A supported file format: its names, media type and signatures.

    extension: the usual one. suffixes: all suffixes of its files, without the dot. signatures: (offset,
    bytes); every such file starts with one of them, but files of other kinds may, too.
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
    """Header information. width and height are those of the upright picture, after applying the orientation.

    `warnings` are sentences for a person; the picture is usable nevertheless.
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

    rgb: H×W×3 uint8, straight (not premultiplied), C-contiguous. alpha: H×W uint8, or None if the file has no
    transparency or is opaque everywhere. exif: the file's EXIF block (a TIFF structure, without the "Exif"
    prefix), with orientation 1 and a blanked thumbnail; includes the file's resolution, artist and copyright
    if it has those elsewhere. density: pixels per inch, horizontal and vertical, or None if the file has
    none.
    """

    rgb: Pixels
    alpha: Pixels | None
    info: PictureInfo
    exif: bytes | None = None
    density: Density | None = None

    @cached_property
    def half_size(self) -> Pixels | None:
        """The colours at half size (shrink.half_of), cached for all steps that start from it; None for a
        picture too small to be halved.
        """
        if max(self.rgb.shape[:2]) <= _MAX_UNHALVED_SIDE or min(self.rgb.shape[:2]) < 2:
            return None
        # Not at import: web processes read headers only.
        from segmentation.shrink import half_of

        return half_of(self.rgb)
