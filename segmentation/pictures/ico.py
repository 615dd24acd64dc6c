"""Windows icons (ICO): the largest picture of the file, which is a PNG or a bitmap with a mask.

The sizes in the directory are only a hint. The size in the picture's own header is checked before an array is
allocated.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from segmentation.pictures import png, refusals
from segmentation.pictures.probe import Probe
from segmentation.pictures.source import Part, Source
from segmentation.pictures.types import Pixels

LABEL = "ICO"
MAX_PICTURES = 256
_SIGNATURE = b"\x00\x00\x01\x00"
_ENTRY = struct.Struct("<BBBBHHII")


@dataclass(frozen=True)
class _Bitmap:
    width: int
    height: int
    bits: int
    palette: int  # number of colours
    start: int  # offset of the data after the header

    @property
    def stride(self) -> int:
        return -(-self.width * self.bits // 32) * 4

    @property
    def mask_stride(self) -> int:
        return -(-self.width // 32) * 4


def accepts(head: bytes) -> bool:
    # Other files start with these four bytes, too: the first directory entry must be valid.
    return head.startswith(_SIGNATURE) and head[4:6] != b"\x00\x00" and head[9:10] in (b"\x00", b"\xff")


def probe(source: Source) -> Probe:
    """Reads the directory and the header of the largest picture. Raises PictureError if it is not a readable
    icon.
    """
    _, start, size = _largest(source)
    picture = Part(source, start, size)
    picture.label = LABEL
    if png.accepts(picture.read_at(0, 8)):
        found = png.probe(picture)
        return replace(found, format="ico", orientation=1)
    return _bitmap(picture)


def _largest(source: Source) -> tuple[int, int, int]:
    """Returns the rank, start and size of the picture with the most pixels, then the most bits per pixel."""
    count = int.from_bytes(source.read_exactly(4, 2), "little")
    if count > MAX_PICTURES:
        raise refusals.too_complex(LABEL, f"it has {count:,} pictures")
    entries = []
    for _, (width, height, _, _, _, bits, size, start) in zip(
        range(count), _ENTRY.iter_unpack(source.read_exactly(6, count * _ENTRY.size)), strict=True
    ):
        # Zero means 256. A broken entry does not hide the others.
        if start + size <= source.size and size >= 16:
            entries.append(((width or 256) * (height or 256) * 64 + min(bits, 63), start, size))
    if not entries:
        raise refusals.truncated_picture(LABEL)
    return max(entries)


def _bitmap(picture: Source) -> Probe:
    (header_size,) = struct.unpack("<I", picture.read_exactly(0, 4))
    if not 40 <= header_size <= 124:
        raise refusals.broken_picture(LABEL)
    width, doubled, _, bits, compression, _, _, _, colours = struct.unpack(
        "<iiHHIIiiI", picture.read_exactly(4, 32)
    )
    # The height includes the mask, which follows the colours.
    height = doubled // 2
    if width <= 0 or height <= 0:
        raise refusals.broken_picture(LABEL)
    if bits not in (1, 4, 8, 24, 32) or compression:
        raise refusals.unsupported_variant(LABEL, f"{bits} bits a pixel, compression {compression}")
    picture.check_size(width, height)
    palette = min(colours or 1 << bits, 1 << bits) if bits <= 8 else 0
    bitmap = _Bitmap(width, height, bits, palette, header_size)
    if picture.size < header_size + 4 * palette + bitmap.stride * height:
        raise refusals.truncated_picture(LABEL)
    return Probe(format="ico", width=width, height=height, load=lambda: _load(picture, bitmap))


def _load(picture: Source, bitmap: _Bitmap) -> Image.Image:
    at = bitmap.start
    palette = np.zeros((1 << min(bitmap.bits, 8), 3), np.uint8)
    table = np.frombuffer(picture.read_exactly(at, 4 * bitmap.palette), np.uint8).reshape(-1, 4)
    palette[: len(table)] = table[:, 2::-1]
    at += 4 * bitmap.palette
    rows = _rows(picture, at, bitmap.stride, bitmap.height)
    mask_at = at + bitmap.stride * bitmap.height
    if bitmap.bits >= 24:
        samples = rows[:, : bitmap.width * bitmap.bits // 8].reshape(bitmap.height, bitmap.width, -1)
        rgb = samples[..., 2::-1]
        if bitmap.bits == 32 and samples[..., 3].any():
            return Image.fromarray(np.dstack([rgb, samples[..., 3]]))
    else:
        rgb = palette[_indices(rows, bitmap)]
    # Programs omit the mask. A mask that hides the whole picture is ignored.
    if picture.size < mask_at + bitmap.mask_stride * bitmap.height:
        return Image.fromarray(np.ascontiguousarray(rgb))
    bits = np.unpackbits(_rows(picture, mask_at, bitmap.mask_stride, bitmap.height), axis=1)
    alpha = (1 - bits[:, : bitmap.width]) * np.uint8(255)
    return Image.fromarray(np.dstack([rgb, alpha]) if alpha.any() else np.ascontiguousarray(rgb))


def _rows(picture: Source, start: int, stride: int, height: int) -> Pixels:
    """Returns rows of bytes from top to bottom; the file stores them from bottom to top."""
    data = picture.read_exactly(start, stride * height)
    return np.frombuffer(data, np.uint8).reshape(height, stride)[::-1]


def _indices(rows: Pixels, bitmap: _Bitmap) -> Pixels:
    if bitmap.bits == 8:
        indices = rows
    elif bitmap.bits == 4:
        indices = np.stack([rows >> 4, rows & 15], axis=-1).reshape(bitmap.height, -1)
    else:
        indices = np.unpackbits(rows, axis=1)
    return indices[:, : bitmap.width]
