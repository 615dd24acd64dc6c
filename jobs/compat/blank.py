"""Writes a PNG of one colour without a bitmap in memory (RFC 2083): the result if no foreground was found."""

from __future__ import annotations

import struct
import zlib
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# Bytes per pixel → PNG colour type: 1 is greyscale, 4 is RGBA.
_COLOUR_TYPES: Final = {1: 0, 4: 6}
_FILTER_SUB, _FILTER_UP = b"\x01", b"\x02"
# How many bytes of rows are compressed together.
_PIECE: Final = 2**20


def blank_png(width: int, height: int, pixel: bytes) -> bytes:
    """A PNG with 8 bits per channel; `pixel` is one byte (grey) or four (RGBA).

    After PNG filtering, everything but the first pixel is zero. Rows are compressed in independent blocks, so
    a block that repeats is compressed only once.
    """
    row = len(pixel) * width
    first = _FILTER_SUB + pixel + bytes(row - len(pixel))
    same = _FILTER_UP + bytes(row)
    at_once = max(1, _PIECE // len(same))
    pieces, rest = divmod(height - 1, at_once)
    packed, checksum = [b"\x78\x01", _packed(first)], zlib.adler32(first)
    for block, times in ((same * at_once, pieces), (same * rest, 1)):
        if times:
            packed.append(_packed(block) * times)
        for _ in range(times):
            checksum = zlib.adler32(block, checksum)
    # An empty final block ends the stream.
    packed.append(b"\x03\x00" + checksum.to_bytes(4))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[len(pixel)], 0, 0, 0)
    chunks = [(b"IHDR", head), (b"sRGB", b"\x00"), (b"IDAT", b"".join(packed)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _packed(data: bytes) -> bytes:
    """Deflated and flushed to a byte boundary, as a block of a longer stream."""
    press = zlib.compressobj(level=9, wbits=-15)
    return press.compress(data) + press.flush(zlib.Z_FULL_FLUSH)
