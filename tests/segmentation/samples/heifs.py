"""HEIC files (ISO/IEC 23008-12) around the pictures of hevc.py: rotated, cropped, with alpha, as a grid."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from . import hevc
from .scene import Pixels


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def full(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


@dataclass
class Item:
    kind: bytes
    data: bytes
    properties: list[bytes] = field(default_factory=list)
    references: list[tuple[bytes, list[int]]] = field(default_factory=list)


def size_box(width: int, height: int) -> bytes:
    return full(b"ispe", 0, 0, struct.pack(">II", width, height))


def coded(planes: hevc.Samples, depth: int = 8) -> Item:
    """An item of H×W×3 (green, blue, red, which matrix 0 keeps unchanged) or H×W×1 samples."""
    height, width, channels = planes.shape
    arrays = b"".join(
        bytes([0x80 | kind]) + struct.pack(">HH", 1, len(nal)) + nal
        for kind, nal in (
            (kind, hevc.unit(kind, payload))
            for kind, payload in hevc.parameter_sets(width, height, channels, depth)
        )
    )
    config = bytes([1, 4]) + struct.pack(">I", 1 << 27) + bytes([0x90, 0, 0, 0, 0, 0, 93])
    config += struct.pack(">H", 0xF000) + bytes(
        [0xFC, 0xFC | (3 if channels == 3 else 0), 0xF8 | (depth - 8), 0xF8 | (depth - 8)]
    )
    config += b"\0\0" + bytes([0x0F]) + bytes([3]) + arrays
    data = b"".join(struct.pack(">I", len(nal)) + nal for nal in hevc.slices(planes, depth))
    bits = full(b"pixi", 0, 0, bytes([channels] + [depth] * channels))
    return Item(b"hvc1", data, [box(b"hvcC", config), size_box(width, height), bits])


# Primaries and curve of sRGB, matrix 0: the three channels are G, B and R themselves, in full range.
PLAIN_RGB = box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 0, 0x80))


def picture(rgb: Pixels) -> Item:
    item = coded(np.ascontiguousarray(rgb[..., [1, 2, 0]]))
    item.properties.append(PLAIN_RGB)
    return item


def heic(items: list[Item], primary: int = 1, brand: bytes = b"heic", tail: bytes = b"") -> bytes:
    """Returns a file of items numbered from 1."""
    properties: list[bytes] = []
    links = b""
    for number, item in enumerate(items, 1):
        indices = b""
        for one in item.properties:
            if one not in properties:
                properties.append(one)
            indices += bytes([properties.index(one) + 1 | 0x80])
        links += struct.pack(">HB", number, len(item.properties)) + indices
    infos = b"".join(
        full(b"infe", 2, 0, struct.pack(">HH", number, 0), item.kind, b"\0")
        for number, item in enumerate(items, 1)
    )
    references = b"".join(
        box(kind, struct.pack(f">HH{len(targets)}H", number, len(targets), *targets))
        for number, item in enumerate(items, 1)
        for kind, targets in item.references
    )
    head = box(b"ftyp", brand, b"\0\0\0\0", b"mif1", brand)

    def meta(start: int) -> bytes:
        places = b""
        for number, item in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, start, len(item.data))
            start += len(item.data)
        return full(
            b"meta",
            0,
            0,
            full(b"hdlr", 0, 0, b"\0\0\0\0pict", b"\0" * 13),
            full(b"pitm", 0, 0, struct.pack(">H", primary)),
            full(b"iinf", 0, 0, struct.pack(">H", len(items)), infos),
            full(b"iref", 0, 0, references) if references else b"",
            box(
                b"iprp", box(b"ipco", *properties), full(b"ipma", 0, 0, struct.pack(">I", len(items)), links)
            ),
            full(b"iloc", 0, 0, b"\x44\x00", struct.pack(">H", len(items)), places),
        )

    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", *(item.data for item in items)) + tail
