"""Windows bitmaps (BITMAPFILEHEADER, then a header of 12 to 124 bytes)."""

from __future__ import annotations

import io
import struct

from PIL import BmpImagePlugin, Image

from segmentation.pictures import refusals
from segmentation.pictures.density import INCHES_PER_METRE, Density, density
from segmentation.pictures.probe import MAX_PROFILE_BYTES, PROFILE_TOO_LARGE, Probe
from segmentation.pictures.source import Source

LABEL = "BMP"
_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_RUN_LENGTH = (1, 2)
# Pillow decodes run-length coding in Python, some microseconds a run: larger files are refused.
MAX_RUN_LENGTH_BYTES = 4 << 20
MAX_RUN_LENGTH_PIXELS = 16_000_000
_EMBEDDED_PROFILE = b"DEBM"


def accepts(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _HEADERS


def probe(source: Source) -> Probe:
    """Reads the two headers. Raises PictureError if they are not those of a readable bitmap."""
    size = int.from_bytes(source.read_exactly(14, 4), "little")
    header = source.read_exactly(14, size)
    compression = 0
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", header, 4)
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", header, 4)
        height = abs(height)
    if width <= 0 or height <= 0:
        raise refusals.broken_picture(LABEL)
    if bits not in (1, 4, 8, 16, 24, 32) or compression not in (0, 1, 2, 3):
        raise refusals.unsupported_variant(LABEL, f"{bits} bits a pixel, compression {compression}")
    if compression in _RUN_LENGTH and (
        source.size > MAX_RUN_LENGTH_BYTES or width * height > MAX_RUN_LENGTH_PIXELS
    ):
        raise refusals.too_complex(LABEL, "it is large and run-length coded")
    warnings: list[str] = []

    def load() -> Image.Image:
        data = source.read_all() + bytes(_missing_padding(source, width, height, bits))
        image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
        image.load()
        # Programs without alpha support leave its byte at 0: if all of it is transparent, it is unused.
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
            return image.convert("RGB")
        return image

    return Probe(
        format="bmp",
        width=width,
        height=height,
        load=load,
        profile=_profile(source, header, warnings),
        density=_density(header),
        warnings=warnings,
    )


def _density(header: bytes) -> Density | None:
    if len(header) < 40:
        return None
    across, down = struct.unpack_from("<ii", header, 24)
    return density(across, down, 1 / INCHES_PER_METRE)


def _missing_padding(source: Source, width: int, height: int, bits: int) -> int:
    """Returns how many padding bytes of the last row (rows are padded to a multiple of four) the file
    lacks."""
    row = -(-width * bits // 8)
    stride = -(-row // 4) * 4
    missing = int.from_bytes(source.read_exactly(10, 4), "little") + stride * height - source.size
    return missing if 0 < missing <= stride - row else 0


def _profile(source: Source, header: bytes, warnings: list[str]) -> bytes | None:
    if len(header) < 124 or header[56:60] != _EMBEDDED_PROFILE:
        return None
    start, length = struct.unpack_from("<II", header, 112)
    if length > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    return source.read_at(14 + start, length) or None
