"""The one EXIF field that decides pixels, orientation (TIFF 6.0 tag 274), read and reset without a library.

An EXIF block is a TIFF structure: byte order, the offset of a first directory, directory entries of 12 bytes.
Only that first directory is read, so loops, depth and lying sizes elsewhere cannot cost anything.
"""

from __future__ import annotations

import struct

ORIENTATION = 274
MAX_EXIF_BYTES = 1 << 20
_PREFIX = b"Exif\x00\x00"


def without_prefix(block: bytes) -> bytes:
    """The TIFF structure of an EXIF block, whether or not the JPEG prefix stands before it."""
    return block[len(_PREFIX) :] if block.startswith(_PREFIX) else block


def orientation(block: bytes) -> int:
    """The orientation 1..8 of a TIFF structure; 1 where it is missing, out of range or unreadable."""
    found = _entry(block)
    return found[1] if found else 1


def upright(block: bytes) -> bytes:
    """The same TIFF structure with orientation 1, for a picture whose pixels were turned."""
    found = _entry(block)
    if not found:
        return block
    position, _, order = found
    return block[:position] + struct.pack(order + "H", 1) + block[position + 2 :]


def _entry(block: bytes) -> tuple[int, int, str] | None:
    """Position of the value, the value, and the byte order, where the first directory has a valid one."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8 or struct.unpack_from(order + "H", block, 2)[0] != 42:
        return None
    start = struct.unpack_from(order + "I", block, 4)[0]
    if start + 2 > len(block):
        return None
    count = struct.unpack_from(order + "H", block, start)[0]
    for position in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, values = struct.unpack_from(order + "HHI", block, position)
        if tag != ORIENTATION:
            continue
        size = {3: "H", 4: "I"}.get(kind)
        if size is None or values != 1:
            return None
        value = struct.unpack_from(order + size, block, position + 8)[0]
        # A LONG in big-endian order keeps its low half two bytes further on.
        low_half = position + 10 if size == "I" and order == ">" else position + 8
        return (low_half, value, order) if 1 <= value <= 8 else None
    return None
