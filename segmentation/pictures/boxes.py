"""The item tables of HEIF files (ISO/IEC 14496-12 and 23008-12), parsed with bounded work.

A file's `meta` box lists items (coded pictures, grids, EXIF), their properties, references and positions in
the file. This module decodes no pixels. Numbers are checked against the size of their box.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from segmentation.pictures import refusals
from segmentation.pictures.source import Source

# A phone's file has a few kilobytes of tables; each entry costs a step in Python.
MAX_META_BYTES = 2 << 20
MAX_ITEMS = 4_096
MAX_TOP_BOXES = 1_000
MAX_BOXES = 20_000


@dataclass
class Item:
    """One item: its type, its properties in order, and its extents in the file or in `idat`."""

    kind: bytes = b""
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)
    in_idat: bool = False

    def property(self, kind: bytes) -> bytes | None:
        return next((content for name, content in self.properties if name == kind), None)


@dataclass
class Meta:
    """All items of a file, the primary item, and the references between items."""

    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    references: list[tuple[bytes, int, list[int]]] = field(default_factory=list)
    idat: bytes = b""

    def data(self, source: Source, item: Item, most: int) -> bytes:
        """Returns up to `most` bytes of an item's data."""
        pieces: list[bytes] = []
        for start, length in item.extents:
            wanted = min(length or most, most)
            piece = self.idat[start : start + wanted] if item.in_idat else source.read_at(start, wanted)
            pieces.append(piece)
            most -= len(piece)
            if most <= 0:
                break
        return b"".join(pieces)


def top_boxes(source: Source) -> list[tuple[bytes, int, int, int]]:
    """Returns type, start, start of content and end of the file's top-level boxes; the last may be cut
    off."""
    found: list[tuple[bytes, int, int, int]] = []
    start = 0
    while start + 8 <= source.size and len(found) < MAX_TOP_BOXES:
        length, kind = struct.unpack(">I4s", source.read_exactly(start, 8))
        content = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", source.read_exactly(content, 8))
            content += 8
        end = source.size if length == 0 else start + length
        if end < content:
            raise refusals.broken_picture(source.label)
        found.append((kind, start, content, end))
        start = end
    return found


def read_meta(content: bytes) -> Meta:
    """Parses the tables of a meta box's content. Raises ValueError or struct.error if they are
    inconsistent."""
    meta = Meta()
    inner = dict(_inner(content, 4))
    if b"pitm" in inner:
        box = inner[b"pitm"]
        meta.primary = struct.unpack_from(">I" if box[0] else ">H", box, 4)[0]
    meta.idat = inner.get(b"idat", b"")
    if b"iinf" in inner:
        _read_infos(inner[b"iinf"], meta)
    if b"iloc" in inner:
        _read_places(inner[b"iloc"], meta)
    if b"iprp" in inner:
        _read_properties(inner[b"iprp"], meta)
    if b"iref" in inner:
        _read_references(inner[b"iref"], meta)
    return meta


def _inner(content: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(MAX_BOXES):
        if start + 8 > len(content):
            return
        length, kind = struct.unpack_from(">I4s", content, start)
        head = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, start + 8)
            head = 16
        end = len(content) if length == 0 else start + length
        if end > len(content) or end < start + head:
            raise ValueError("a box that leaves its box")
        yield kind, content[start + head : end]
        start = end
    raise ValueError("too many boxes")


def _item(meta: Meta, number: int) -> Item:
    if number not in meta.items and len(meta.items) >= MAX_ITEMS:
        raise ValueError("too many items")
    return meta.items.setdefault(number, Item())


def _read_infos(box: bytes, meta: Meta) -> None:
    for kind, entry in _inner(box, 8 if box[0] else 6):
        if kind == b"infe" and entry[0] >= 2:
            wide = entry[0] >= 3
            (number,) = struct.unpack_from(">I" if wide else ">H", entry, 4)
            start = 10 if wide else 8
            _item(meta, number).kind = entry[start : start + 4]


def _read_places(box: bytes, meta: Meta) -> None:
    """iloc (14496-12, 8.11.3), versions 0 to 2."""
    version = box[0]
    offset_size, length_size = box[4] >> 4, box[4] & 15
    base_size, index_size = box[5] >> 4, box[5] & 15 if version else 0
    if {offset_size, length_size, base_size, index_size} - {0, 4, 8} or version > 2:
        raise ValueError("sizes of numbers")
    position = 6

    def number(size: int) -> int:
        nonlocal position
        if position + size > len(box):
            raise ValueError("a short iloc")
        value = int.from_bytes(box[position : position + size])
        position += size
        return value

    wide = 4 if version == 2 else 2
    for _ in range(number(wide)):
        item = _item(meta, number(wide))
        method = number(2) & 15 if version else 0
        if method > 1:
            raise ValueError("an item made of items")
        item.in_idat = method == 1
        number(2)
        base = number(base_size)
        count = number(2)
        if count * (index_size + offset_size + length_size) > len(box):
            raise ValueError("a short iloc")
        for _ in range(count if offset_size or length_size else min(count, 1)):
            number(index_size)
            start = base + number(offset_size)
            item.extents.append((start, number(length_size)))


def _read_properties(box: bytes, meta: Meta) -> None:
    properties: list[tuple[bytes, bytes]] = []
    for kind, content in _inner(box):
        if kind == b"ipco":
            properties = list(_inner(content))
        elif kind == b"ipma":
            _associate(content, properties, meta)


def _associate(box: bytes, properties: list[tuple[bytes, bytes]], meta: Meta) -> None:
    wide_items, wide_indices = box[0] >= 1, box[3] & 1
    (entries,) = struct.unpack_from(">I", box, 4)
    position = 8
    for _ in range(min(entries, MAX_ITEMS)):
        (number,) = struct.unpack_from(">I" if wide_items else ">H", box, position)
        position += 4 if wide_items else 2
        count = box[position]
        position += 1
        item = _item(meta, number)
        for _ in range(count):
            if wide_indices:
                index = struct.unpack_from(">H", box, position)[0] & 0x7FFF
            else:
                index = box[position] & 0x7F
            position += 2 if wide_indices else 1
            if 0 < index <= len(properties):
                item.properties.append(properties[index - 1])


def _read_references(box: bytes, meta: Meta) -> None:
    letter, size = (">I", 4) if box[0] else (">H", 2)
    for kind, content in _inner(box, 4):
        (origin,) = struct.unpack_from(letter, content, 0)
        (count,) = struct.unpack_from(">H", content, size)
        if size + 2 + count * size > len(content):
            raise ValueError("a short reference")
        targets = [struct.unpack_from(letter, content, size + 2 + size * i)[0] for i in range(count)]
        meta.references.append((kind, origin, targets))
