"""EXIF blocks without a library: reads the orientation (TIFF 6.0, tag 274) and sanitises blocks for results.

An EXIF block is a TIFF structure: byte order, the offset of a first directory, directory entries of 12 bytes,
the offset of a second directory, whose picture is the thumbnail. Only those two directories are read, so
loops, nesting and false sizes elsewhere cost nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction

from segmentation.pictures.density import Density, density

DESCRIPTION, MAKE, MODEL, DATE_TIME, ARTIST, COPYRIGHT = 270, 271, 272, 306, 315, 33432
TEXTS = (DESCRIPTION, MAKE, MODEL, DATE_TIME, ARTIST, COPYRIGHT)
ACROSS, DOWN, UNIT = 282, 283, 296
ORIENTATION, THUMBNAIL_AT, THUMBNAIL_BYTES = 274, 513, 514
MAX_EXIF_BYTES = 1 << 20
MAX_ENTRIES = 4_096
MAX_TEXT_BYTES = 4_096
_PREFIX = b"Exif\x00\x00"
_LETTERS = {3: "H", 4: "I"}


def without_prefix(block: bytes) -> bytes:
    """Returns the TIFF structure of an EXIF block, with or without the JPEG prefix."""
    return block[len(_PREFIX) :] if block.startswith(_PREFIX) else block


def orientation(block: bytes) -> int:
    """Returns the orientation 1..8 of a TIFF structure; 1 if it is missing, out of range or unreadable."""
    order = _order(block)
    if order is None:
        return 1
    _, value = _directory(block, order, _first(block, order))[0].get(ORIENTATION, (0, 1))
    return value if 1 <= value <= 8 else 1


def sanitised(block: bytes) -> bytes | None:
    """Returns the structure cleaned for use in a result, or None if it is not a TIFF structure.

    Sets the orientation to 1, because the pixels are already upright. Blanks the thumbnail: it shows the
    whole old picture, which users who remove a background do not expect to pass on.
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


def density_of(block: bytes) -> Density | None:
    """Returns the resolution in a TIFF structure."""
    order = _order(block)
    if order is None:
        return None
    start = _first(block, order)
    ratios = _ratios(block, order, start)
    _, unit = _directory(block, order, start)[0].get(UNIT, (0, 2))
    if ACROSS not in ratios or DOWN not in ratios or unit not in (2, 3):
        return None
    return density(ratios[ACROSS], ratios[DOWN], 1.0 if unit == 2 else 2.54)


def with_missing_fields(
    block: bytes | None, resolution: Density | None, texts: Mapping[int, str]
) -> bytes | None:
    """Adds a missing resolution and missing texts to the structure; creates one if there is none.

    The first directory is rewritten at the end of the block, so that nothing else in it moves.
    """
    order = _order(block) if block else "<"
    if order is None:
        return block
    old = block or struct.pack("<2sHIHI", b"II", 42, 8, 0, 0)
    start = _first(old, order)
    entries = _raw_entries(old, order, start)
    if entries is None:
        return block
    wanted: dict[int, tuple[int, int, bytes]] = {}
    for tag, text in texts.items():
        if content := text.replace("\x00", " ").strip().encode()[:MAX_TEXT_BYTES]:
            wanted[tag] = (2, len(content) + 1, content + b"\x00")
    if resolution and ACROSS not in entries and DOWN not in entries:
        for tag, number in zip((ACROSS, DOWN), resolution, strict=True):
            ratio = Fraction(number).limit_denominator(1000)
            wanted[tag] = (5, 1, struct.pack(order + "II", ratio.numerator, ratio.denominator))
        entries.pop(UNIT, None)
        wanted[UNIT] = (3, 1, struct.pack(order + "H", 2))
    missing = {tag: value for tag, value in wanted.items() if tag not in entries}
    if not missing:
        return block
    return _with_entries(old, order, entries, missing)


def _with_entries(
    block: bytes, order: str, entries: dict[int, bytes], missing: dict[int, tuple[int, int, bytes]]
) -> bytes:
    """Returns the block with a first directory of both at its end, and without a second directory."""
    start = len(block) + len(block) % 2
    place = start + 2 + 12 * (len(entries) + len(missing)) + 4
    beyond = b""
    for tag, (kind, count, content) in missing.items():
        held = content.ljust(4, b"\x00")
        if len(content) > 4:
            held = struct.pack(order + "I", place + len(beyond))
            beyond += content + b"\x00" * (len(content) % 2)
        entries[tag] = struct.pack(order + "HHI", tag, kind, count) + held
    table = [struct.pack(order + "H", len(entries)), *(entries[tag] for tag in sorted(entries))]
    head = block[:4] + struct.pack(order + "I", start) + block[8:].ljust(start - 8, b"\x00")
    return b"".join([head, *table, bytes(4), beyond])


def _raw_entries(block: bytes, order: str, start: int) -> dict[int, bytes] | None:
    """Returns a directory's raw entries by tag; None if the directory is not inside the block."""
    if start < 8 or start + 2 > len(block):
        return None
    count = struct.unpack_from(order + "H", block, start)[0]
    end = start + 2 + 12 * count
    if end > len(block) or count > MAX_ENTRIES:
        return None
    places = range(start + 2, end, 12)
    return {struct.unpack_from(order + "H", block, place)[0]: block[place : place + 12] for place in places}


def _ratios(block: bytes, order: str, start: int) -> dict[int, float]:
    """Returns a directory's rational values by tag."""
    found = {}
    for tag, entry in (_raw_entries(block, order, start) or {}).items():
        kind, count, place = struct.unpack_from(order + "HII", entry, 2)
        if (kind, count) == (5, 1) and place + 8 <= len(block):
            over, under = struct.unpack_from(order + "II", block, place)
            if under:
                found[tag] = over / under
    return found


def _order(block: bytes) -> str | None:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8 or struct.unpack_from(order + "H", block, 2)[0] != 42:
        return None
    return order


def _first(block: bytes, order: str) -> int:
    return int(struct.unpack_from(order + "I", block, 4)[0])


def _directory(block: bytes, order: str, start: int) -> tuple[dict[int, tuple[int, int]], int]:
    """Returns a directory's single SHORT and LONG values, as tag: (position, value), and the position of its
    link to the next directory; nothing and 0 if the directory is not inside the block.
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
