"""EXIF blocks without a library: orientation (TIFF 6.0, tag 274) read, and a block made fit to be kept.

An EXIF block is a TIFF structure: byte order, the offset of a first directory, directory entries of 12 bytes,
the offset of a second directory, whose picture is the thumbnail. Only those two directories are read, so
loops, depth and lying sizes elsewhere cannot cost anything.
"""

from __future__ import annotations

import struct

ORIENTATION, THUMBNAIL_AT, THUMBNAIL_BYTES = 274, 513, 514
MAX_EXIF_BYTES = 1 << 20
_PREFIX = b"Exif\x00\x00"
_LETTERS = {3: "H", 4: "I"}


def without_prefix(block: bytes) -> bytes:
    """The TIFF structure of an EXIF block, whether or not the JPEG prefix stands before it."""
    return block[len(_PREFIX) :] if block.startswith(_PREFIX) else block


def orientation(block: bytes) -> int:
    """The orientation 1..8 of a TIFF structure; 1 where it is missing, out of range or unreadable."""
    order = _order(block)
    if order is None:
        return 1
    _, value = _directory(block, order, _first(block, order))[0].get(ORIENTATION, (0, 1))
    return value if 1 <= value <= 8 else 1


def kept(block: bytes) -> bytes | None:
    """The structure as it may stand in a result, or None where it is none.

    Orientation is 1, since the pixels were turned. The thumbnail is blanked: it shows the whole old picture,
    which somebody who removes a background does not expect to hand on.
    """
    order = _order(block)
    if order is None:
        return None
    result = bytearray(block)
    entries, link = _directory(block, order, _first(block, order))
    if ORIENTATION in entries:
        place, _ = entries[ORIENTATION]
        kind = struct.unpack_from(order + "H", block, place - 6)[0]
        struct.pack_into(order + _LETTERS[kind], result, place, 1)
    if link:
        thumbnail, _ = _directory(block, order, struct.unpack_from(order + "I", block, link)[0])
        start, length = thumbnail.get(THUMBNAIL_AT, (0, 0))[1], thumbnail.get(THUMBNAIL_BYTES, (0, 0))[1]
        end = min(start + length, len(block))
        result[start:end] = bytes(max(0, end - start))
        struct.pack_into(order + "I", result, link, 0)
    return bytes(result)


def _order(block: bytes) -> str | None:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8 or struct.unpack_from(order + "H", block, 2)[0] != 42:
        return None
    return order


def _first(block: bytes, order: str) -> int:
    return int(struct.unpack_from(order + "I", block, 4)[0])


def _directory(block: bytes, order: str, start: int) -> tuple[dict[int, tuple[int, int]], int]:
    """The single SHORT and LONG values of a directory, as tag: (place, value), and the place of its link.

    The link leads to the next directory; nothing, and 0, where the directory does not lie in the block.
    """
    if start < 8 or start + 2 > len(block):
        return {}, 0
    count = struct.unpack_from(order + "H", block, start)[0]
    link = start + 2 + 12 * count
    entries: dict[int, tuple[int, int]] = {}
    for position in range(start + 2, min(link, len(block) - 11), 12):
        tag, kind, values = struct.unpack_from(order + "HHI", block, position)
        if values == 1 and kind in _LETTERS:
            (value,) = struct.unpack_from(order + _LETTERS[kind], block, position + 8)
            entries.setdefault(tag, (position + 8, value))
    return entries, link if link + 4 <= len(block) else 0
