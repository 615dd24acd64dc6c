"""Encodes every output format through one function, and defines the formats' limits."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass

import numpy as np
from PIL import Image

from segmentation.encode.layout import interleaved, shape_of
from segmentation.encode.png import write_png
from segmentation.errors import PictureError
from segmentation.pictures.types import Pixels


@dataclass(frozen=True)
class OutputFormat:
    """An output format: its names in HTTP and in file names, its longest side, and whether it supports
    alpha."""

    label: str
    media_type: str
    extension: str
    max_side: int
    holds_alpha: bool


FORMATS: dict[str, OutputFormat] = {
    "png": OutputFormat("PNG", "image/png", "png", 2**31 - 1, True),
    "webp": OutputFormat("WebP", "image/webp", "webp", 16_383, True),
    "jpeg": OutputFormat("JPEG", "image/jpeg", "jpg", 65_500, False),
    "avif": OutputFormat("AVIF", "image/avif", "avif", 65_536, True),
    "zip": OutputFormat("ZIP", "application/zip", "zip", 65_500, True),
}
# A JPEG segment holds 65,533 bytes, 6 of which are the EXIF prefix.
MAX_JPEG_EXIF = 65_533 - 6
# Exceptions of Pillow on an EXIF block with damaged inner parts.
_EXIF_ERRORS = (
    SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, OSError,
    struct.error,
)  # fmt: skip
# Above this many pixels the slow encoders use their fastest setting, and AVIF caps its quality at
# LARGE_AVIF_QUALITY: at 100 it takes more than twice as long.
LARGE_PIXELS = 16_000_000
LARGE_AVIF_QUALITY = 90
# Visually lossless, in each encoder's own scale.
DEFAULT_QUALITY = {"webp": 85, "jpeg": 92, "avif": 75, "zip": 92}


@dataclass(frozen=True)
class Encoded:
    """An encoded file. width and height in pixels, those of its picture."""

    data: bytes
    media_type: str
    extension: str
    width: int
    height: int


def encode(
    rgb: Pixels | None,
    alpha: Pixels | None,
    format: str,
    *,
    quality: int | None = None,
    lossless: bool = False,
    exif: bytes | None = None,
    density: tuple[float, float] | None = None,
    quick: bool = False,
) -> Encoded:
    """Encodes straight-alpha sRGB pixels.

    rgb: H×W×3 uint8, or None for the matte alone as a grey picture. alpha: H×W uint8, or None for opaque.
    format: a key of FORMATS. quality: 1..100 for the lossy formats, None for a good default. lossless: WebP
    only. exif: a TIFF structure to keep as metadata (orientation already 1), None to strip it. density:
    pixels per inch, horizontal and vertical, for PNG and JPEG; the others store it only in EXIF. quick: WebP
    only; takes a third to a half of the time, for a file that is larger by as much (previews). A picture of
    more than LARGE_PIXELS is encoded with bounded effort, AVIF with LARGE_AVIF_QUALITY at most.

    Raises PictureError `no_alpha` (alpha in a format without it: flatten first), `too_large_for_format`, and
    ValueError for invalid arguments.
    """
    kind = FORMATS.get(format)
    if kind is None:
        raise ValueError(f"unknown output format {format!r}")
    height, width = shape_of(rgb, alpha)
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError("quality is 1..100")
    if lossless and format != "webp":
        raise ValueError("only WebP supports lossless")
    if alpha is not None and rgb is not None and not kind.holds_alpha:
        raise PictureError(
            "no_alpha",
            f"A {kind.label} file cannot be transparent. Choose a background, or PNG, WebP or AVIF.",
        )
    if max(width, height) > kind.max_side:
        raise PictureError(
            "too_large_for_format",
            f"A {kind.label} file has at most {kind.max_side} pixels a side, "
            f"this picture has {width} × {height}. Choose PNG or a smaller size.",
        )
    quality = quality or DEFAULT_QUALITY.get(format, 0)
    if format == "png":
        data = write_png(rgb, alpha, exif, density)
    elif format == "zip":
        data = _zip(rgb, alpha, quality, exif, density)
    else:
        data = _encode_with_pillow(rgb, alpha, format, quality, lossless, exif, density, quick)
    return Encoded(data, kind.media_type, kind.extension, width, height)


def _encode_with_pillow(
    rgb: Pixels | None,
    alpha: Pixels | None,
    format: str,
    quality: int,
    lossless: bool,
    exif: bytes | None,
    density: tuple[float, float] | None = None,
    quick: bool = False,
) -> bytes:
    image = Image.fromarray(interleaved(rgb, alpha))
    large = image.width * image.height > LARGE_PIXELS
    options: dict[str, object] = {"exif": b"Exif\x00\x00" + exif} if exif and _fits(exif, format) else {}
    if format == "jpeg":
        # Full chroma from 90 up: otherwise edges of saturated colour on a flat background bleed.
        options |= {"quality": quality, "subsampling": 0 if quality >= 90 else 2, "optimize": False}
        if density:
            options["dpi"] = tuple(max(1, min(65_535, round(number))) for number in density)
    elif format == "webp":
        # Lossy: method 2 takes two thirds of the time of Pillow's 4, for 2 % more size. Lossless: method 0
        # takes a sixth of the time of 1, for 17 %; quality means effort there.
        lossy = {"quality": quality, "method": 0 if quick or large else 2}
        options |= {"lossless": True, "quality": 20, "method": 0} if lossless else lossy
    else:
        # Speed 9 of 10 takes a ninth of the time of Pillow's 6, for 9 % more size.
        options |= {"quality": min(quality, LARGE_AVIF_QUALITY) if large else quality}
        options |= {"speed": 10 if large else 9}
    target = io.BytesIO()
    image.save(target, format.upper(), **options)
    return target.getvalue()


def _fits(exif: bytes, format: str) -> bool:
    """Whether the format can store this block: JPEG has 64 KiB for it, and Pillow rewrites AVIF's."""
    if format == "jpeg":
        return len(exif) <= MAX_JPEG_EXIF
    if format == "avif":
        block = Image.Exif()
        try:
            block.load(exif)
            block.tobytes()
        except _EXIF_ERRORS:
            return False
    return True


def _zip(
    rgb: Pixels | None,
    alpha: Pixels | None,
    quality: int,
    exif: bytes | None,
    density: tuple[float, float] | None,
) -> bytes:
    """Packs color.jpg (RGB) and alpha.png (grey) without further compression: both are compressed already.
    Contains no timestamp: same input, same bytes.
    """
    if rgb is None:
        raise ValueError("a ZIP of colour and matte needs colours")
    if alpha is None:
        alpha = np.full(rgb.shape[:2], 255, np.uint8)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (
            ("color.jpg", _encode_with_pillow(rgb, None, "jpeg", quality, False, exif, density)),
            ("alpha.png", write_png(None, alpha, density=density)),
        ):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return target.getvalue()
