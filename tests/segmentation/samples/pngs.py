"""PNG files of any depth, colour type and interlace, written from the specification."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, depth: int, colour: int, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png(
    samples: npt.NDArray[np.integer],
    depth: int,
    colour: int,
    *,
    interlace: bool = False,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Returns a PNG of H×W or H×W×C samples at `depth` bits; `before` and `after` are chunks around IDAT."""
    height, width = samples.shape[:2]
    planes = samples.reshape(height, width, -1)
    if interlace:
        rows = b"".join(_rows(planes[y::down, x::across], depth) for x, y, across, down in _PASSES)
    else:
        rows = _rows(planes, depth)
    return b"".join(
        [
            SIGNATURE,
            header(width, height, depth, colour, int(interlace)),
            before,
            chunk(b"IDAT", zlib.compress(rows)),
            after,
            chunk(b"IEND", b""),
        ]
    )


def _rows(planes: npt.NDArray[np.integer], depth: int) -> bytes:
    if 0 in planes.shape:
        return b""
    lines = []
    for line in planes.reshape(planes.shape[0], -1):
        if depth == 16:
            content = line.astype(">u2").tobytes()
        elif depth == 8:
            content = line.astype(np.uint8).tobytes()
        else:
            bits = (line[:, None].astype(np.uint8) >> np.arange(depth)[::-1].astype(np.uint8)) & 1
            content = np.packbits(bits.ravel()).tobytes()
        lines.append(b"\x00" + content)
    return b"".join(lines)
