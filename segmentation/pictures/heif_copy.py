"""Rewrites a HEIF file around one picture: its coded items, and the properties that affect pixels.

The C libraries read every table of a file at once: metadata, thumbnails, depth maps and everything else. (A
metadata item whose type was not UTF-8 crashed the whole process in pi-heif 1.4.0.) In this copy they see only
the picture, its tiles and its alpha.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from segmentation.pictures import refusals
from segmentation.pictures.boxes import Item, Meta
from segmentation.pictures.source import Source

_PROPERTIES = {b"hvcC", b"av1C", b"ispe", b"pixi", b"irot", b"imir", b"clap", b"auxC", b"a1op", b"lsel"}
_REFERENCES = {b"dimg", b"auxl", b"prem"}
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")


def needed(meta: Meta) -> list[int]:
    """Returns the numbers of the items that form the picture: itself, its tiles, its alpha and the alpha's
    tiles.
    """
    found = [meta.primary, *parts(meta, meta.primary)]
    for kind, origin, targets in meta.references:
        if kind == b"auxl" and meta.primary in targets and origin in meta.items:
            purpose = meta.items[origin].property(b"auxC")
            if purpose is not None and purpose[4:].startswith(_ALPHA):
                found += [origin, *parts(meta, origin)]
    return [number for number in dict.fromkeys(found) if number in meta.items]


def parts(meta: Meta, number: int) -> list[int]:
    """Returns the items that an item is derived from (a grid's tiles), in order and with repetitions."""
    return next((to for kind, origin, to in meta.references if (kind, origin) == (b"dimg", number)), [])


def copy(source: Source, meta: Meta, brand: bytes) -> bytes:
    """Builds a complete file of the needed items. `brand`: heic or avif. Raises PictureError if items share
    data excessively.
    """
    numbers = {old: new for new, old in enumerate(needed(meta), 1)}
    items = [meta.items[old] for old in numbers]
    contents = []
    budget = 2 * source.size
    for item in items:
        contents.append(meta.data(source, item, budget))
        budget -= len(contents[-1])
        if budget <= 0:
            raise refusals.too_complex(source.label, "its pictures share their data")
    head = _box(b"ftyp", brand, bytes(4), brand, b"mif1", b"miaf")
    references = [
        _box(kind, struct.pack(f">HH{len(kept)}H", numbers[origin], len(kept), *kept))
        for kind, origin, targets in meta.references
        if kind in _REFERENCES and origin in numbers
        if (kept := [numbers[target] for target in targets if target in numbers])
    ]
    tables = [
        _full(b"hdlr", bytes(4), b"pict", bytes(13)),
        _full(b"pitm", struct.pack(">H", numbers[meta.primary])),
        _full(b"iinf", struct.pack(">H", len(items)), *_infos(items)),
        _full(b"iref", *references) if references else b"",
        _properties(items),
    ]
    places_size = 12 + 4 + 14 * len(items)
    start = len(head) + 12 + sum(map(len, tables)) + places_size + 8
    places = []
    for number, content in enumerate(contents, 1):
        places.append(struct.pack(">HHHII", number, 0, 1, start, len(content)))
        start += len(content)
    tables.append(_full(b"iloc", b"\x44\x00", struct.pack(">H", len(items)), *places))
    return b"".join([head, _full(b"meta", *tables), _box(b"mdat", *contents)])


def _infos(items: Iterable[Item]) -> list[bytes]:
    return [
        _box(b"infe", b"\x02\x00\x00\x00", struct.pack(">HH", number, 0), item.kind, b"\x00")
        for number, item in enumerate(items, 1)
    ]


def _properties(items: list[Item]) -> bytes:
    places: dict[bytes, int] = {}
    links = []
    for number, item in enumerate(items, 1):
        indices = []
        for kind, content in item.properties:
            if kind == b"auxC":
                # Only alpha is kept, and its name is rewritten.
                content = bytes(4) + _ALPHA[0] + b"\x00"
            if kind in _PROPERTIES or (kind == b"colr" and content[:4] == b"nclx"):
                essential = 0x8000 if kind in (b"hvcC", b"av1C", b"irot", b"imir", b"clap") else 0
                indices.append(places.setdefault(_box(kind, content), len(places) + 1) | essential)
        indices = indices[:255]
        links.append(struct.pack(f">HB{len(indices)}H", number, len(indices), *indices))
    if len(places) >= 0x8000:
        raise ValueError("too many properties")
    table = _box(b"ipma", b"\x00\x00\x00\x01", struct.pack(">I", len(items)), *links)
    return _box(b"iprp", _box(b"ipco", *places), table)


def _box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def _full(kind: bytes, *content: bytes) -> bytes:
    return _box(kind, bytes(4), *content)
