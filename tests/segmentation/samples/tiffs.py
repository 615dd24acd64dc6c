"""TIFF files with any tags, uncompressed, in either byte order, classic or BigTIFF."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt


def tiff(
    samples: npt.NDArray[np.integer],
    bits: int,
    photometric: int,
    *,
    order: str = "<",
    big: bool = False,
    tags: dict[int, tuple[int, list[int]]] | None = None,
    data: bytes | None = None,
    following: int = 0,
) -> bytes:
    """Returns a TIFF of one strip. `tags`: number to (type, values), added or replaced; omitted if empty.

    Types: 1 BYTE, 3 SHORT, 4 LONG, 7 UNDEFINED, 16 LONG8.
    """
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    if data is None:
        data = samples.astype(f"{order}u{bits // 8}").tobytes()
    head = 16 if big else 8
    data += b"\0" * (len(data) % 2)
    entries: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [1]),
        262: (3, [photometric]),
        273: (4, [head]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(data)]),
    }
    entries |= tags or {}
    entries = {tag: entry for tag, entry in sorted(entries.items()) if entry[1]}
    start = head + len(data)
    wide, letter, step = (8, "Q", 20) if big else (4, "I", 12)
    beyond = start + (8 if big else 2) + step * len(entries) + wide
    table, extra = b"", b""
    for tag, (kind, values) in entries.items():
        content = struct.pack(
            f"{order}{len(values)}{ {1: 'B', 3: 'H', 4: 'I', 7: 'B', 16: 'Q'}[kind] }", *values
        )
        if len(content) > wide:
            place = struct.pack(order + letter, beyond + len(extra))
            extra += content + b"\0" * (len(content) % 2)
        else:
            place = content.ljust(wide, b"\0")
        table += struct.pack(f"{order}HH{letter}", tag, kind, len(values)) + place
    mark = b"II" if order == "<" else b"MM"
    if big:
        top = mark + struct.pack(order + "HHHQ", 43, 8, 0, start)
        table = struct.pack(order + "Q", len(entries)) + table
    else:
        top = mark + struct.pack(order + "HI", 42, start)
        table = struct.pack(order + "H", len(entries)) + table
    return top + data + table + struct.pack(order + letter, following) + extra
