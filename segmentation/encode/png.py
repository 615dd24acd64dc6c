"""A PNG writer (W3C PNG, third edition; RFC 2083) for large cut-outs: filter "up" in NumPy, deflate by ISA-L.

Filter "up" on every row compresses photos nearly as well as choosing a filter for each row, and is one
subtraction for a whole band. Bands are filtered and deflated independently, on as many threads as there are
cores (NumPy, OpenCV and ISA-L release the GIL), and concatenated into one zlib stream (RFC 1950) with a
combined checksum. Memory beside the result stays at a few bands.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np
from isal import isal_zlib

from segmentation.encode.layout import interleaved, shape_of
from segmentation.pictures.types import Pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Fits into a core's second-level cache together with its compressed form; larger bands are slower.
BAND_BYTES = 1 << 20
_GREY, _RGB, _RGBA = 0, 2, 6
_ADLER_BASE = 65521


def write_png(
    rgb: Pixels | None,
    alpha: Pixels | None,
    exif: bytes | None = None,
    density: tuple[float, float] | None = None,
) -> bytes:
    """Returns a PNG of 8 bits a channel, marked as sRGB.

    rgb: H×W×3 uint8; alpha: H×W uint8 or None. Both: straight RGBA, with colour 0 in pixels of alpha 0, so
    that nothing of the background leaks and it compresses well. rgb None: alpha alone as a grey picture.
    exif: a TIFF structure for an eXIf chunk. density: pixels per inch, horizontal and vertical, for a pHYs
    chunk. At least one of rgb and alpha must be given.
    """
    height, width = shape_of(rgb, alpha)
    colour = _GREY if rgb is None else _RGB if alpha is None else _RGBA
    pieces = [
        SIGNATURE,
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)),
        _chunk(b"sRGB", b"\x00"),
    ]
    if density:
        metres = [round(number / 0.0254) for number in density]
        pieces.append(_chunk(b"pHYs", struct.pack(">IIB", *metres, 1)))
    if exif:
        pieces.append(_chunk(b"eXIf", exif))
    pieces.append(_chunk(b"IDAT", b"\x78\x01"))
    checksum = 1
    for chunk, adler, length in _bands(rgb, alpha, height, width):
        pieces.append(chunk)
        checksum = adler32_combine(checksum, adler, length)
    # An empty last block ends the stream, whatever the previous bands contained.
    pieces.append(_chunk(b"IDAT", b"\x03\x00" + checksum.to_bytes(4)))
    pieces.append(_chunk(b"IEND", b""))
    return b"".join(pieces)


def _bands(
    rgb: Pixels | None, alpha: Pixels | None, height: int, width: int
) -> Iterator[tuple[bytes, int, int]]:
    """Yields each band's chunk, its Adler-32 and its length before deflation; several bands run in
    parallel."""
    rows = max(1, BAND_BYTES // (width * 4))
    tops = range(0, height, rows)
    if len(tops) == 1:
        yield _band(rgb, alpha, 0, height)
        return
    pool = _pool(os.getpid())
    pending: deque[Future[tuple[bytes, int, int]]] = deque()
    for top in tops:
        pending.append(pool.submit(_band, rgb, alpha, top, min(height, top + rows)))
        if len(pending) > 2 * _threads():
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _band(rgb: Pixels | None, alpha: Pixels | None, top: int, bottom: int) -> tuple[bytes, int, int]:
    """Filters and deflates rows top..bottom, up to a byte boundary, as a chunk of a longer stream."""
    first = max(0, top - 1)
    pixels = interleaved(
        None if rgb is None else rgb[first:bottom], None if alpha is None else alpha[first:bottom]
    )
    rows = pixels.reshape(pixels.shape[0], -1)
    filtered = np.empty((bottom - top, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = 2
    if top == 0:
        filtered[0, 1:] = rows[0]
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    else:
        np.subtract(rows[1:], rows[:-1], out=filtered[:, 1:])
    flat = filtered.ravel().data
    press = isal_zlib.compressobj(level=1, wbits=-15)
    deflated = press.compress(flat), press.flush(isal_zlib.Z_FULL_FLUSH)
    return _chunk(b"IDAT", *deflated), isal_zlib.adler32(flat), len(flat)


def _chunk(kind: bytes, *content: bytes) -> bytes:
    checksum = isal_zlib.crc32(kind)
    for piece in content:
        checksum = isal_zlib.crc32(piece, checksum)
    length = sum(len(piece) for piece in content)
    return b"".join((struct.pack(">I4s", length, kind), *content, struct.pack(">I", checksum)))


def adler32_combine(first: int, second: int, length: int) -> int:
    """Combines the Adler-32 checksums (RFC 1950) of two concatenated pieces; `length` is the second's."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return (high % _ADLER_BASE) << 16 | low % _ADLER_BASE


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """One pool per process: threads do not survive a fork, and workers fork after import."""
    return ThreadPoolExecutor(_threads(), thread_name_prefix="png")


@cache
def _threads() -> int:
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
