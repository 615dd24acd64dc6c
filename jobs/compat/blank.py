"""A PNG of one colour, written without a picture in memory (RFC 2083): for a result with nothing in it."""

from __future__ import annotations

import struct
import zlib
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# The colour type of so many bytes a pixel: grey, and red, green, blue, alpha.
_COLOUR_TYPES: Final = {1: 0, 4: 6}
_FILTER_SUB, _FILTER_UP = b"\x01", b"\x02"
# Of rows that are compressed together.
_PIECE: Final = 2**20


def blank_png(width: int, height: int, pixel: bytes) -> bytes:
    """A PNG of 8 bits a channel; `pixel` is one byte (grey) or four (RGBA).

    Filtered against its neighbours, all but the first pixel is zeros. Rows are compressed in pieces that do
    not depend on each other; of those that are the same, one is compressed.
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
    # An empty last block ends the stream.
    packed.append(b"\x03\x00" + checksum.to_bytes(4))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[len(pixel)], 0, 0, 0)
    chunks = [(b"IHDR", head), (b"sRGB", b"\x00"), (b"IDAT", b"".join(packed)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _packed(data: bytes) -> bytes:
    """Deflated, up to a byte boundary, as a piece of a longer stream."""
    press = zlib.compressobj(level=9, wbits=-15)
    return press.compress(data) + press.flush(zlib.Z_FULL_FLUSH)
