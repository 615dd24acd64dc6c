"""WebP (RFC 9649) chunks, and a copy with one frame and only what affects its pixels."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

from PIL import Image, WebPImagePlugin

from segmentation.pictures import exif, refusals
from segmentation.pictures.probe import DAMAGED, MAX_PROFILE_BYTES, PROFILE_TOO_LARGE, SEVERAL_FRAMES, Probe
from segmentation.pictures.source import Source

LABEL = "WebP"
MAX_CHUNKS = 10_000
_PIXELS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF")


@dataclass
class _Header:
    width: int = 0
    height: int = 0
    extended: bool = False
    spans: list[tuple[int, int]] = field(default_factory=list)
    frames: int = 0
    pixels: bool = False
    cut: bool = False
    profile_at: tuple[int, int] | None = None
    exif_at: tuple[int, int] | None = None


def accepts(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def probe(source: Source) -> Probe:
    """Walks the chunks without reading pixel data. Raises PictureError if they are not a readable WebP."""
    header = _read_header(source)
    warnings = [SEVERAL_FRAMES] if header.frames > 1 else []
    if header.cut:
        warnings.append(DAMAGED)
    profile = None
    if header.profile_at:
        if header.profile_at[1] > MAX_PROFILE_BYTES:
            warnings.append(PROFILE_TOO_LARGE)
        else:
            profile = source.read_exactly(*header.profile_at)
    block = None
    if header.exif_at and header.exif_at[1] <= exif.MAX_EXIF_BYTES:
        block = exif.without_prefix(source.read_exactly(*header.exif_at))

    def load() -> Image.Image:
        pieces = [_padded(source, *span) for span in header.spans]
        size = 4 + sum(len(piece) for piece in pieces)
        clean = b"".join([b"RIFF", size.to_bytes(4, "little"), b"WEBP", *pieces])
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(clean))
        image.load()
        return image

    return Probe(
        format="webp",
        width=header.width,
        height=header.height,
        load=load,
        orientation=exif.orientation(block) if block else 1,
        profile=profile,
        exif=block,
        warnings=warnings,
    )


def _padded(source: Source, start: int, count: int) -> bytes:
    """Reads a chunk and pads it to even length: some writers omit the padding of the last one."""
    piece = source.read_exactly(start, count)
    return piece + b"\x00" if count % 2 else piece


def _read_header(source: Source) -> _Header:
    header = _Header()
    declared = int.from_bytes(source.read_exactly(4, 4), "little") + 8
    end = min(declared, source.size)
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > end:
            break
        kind = source.read_exactly(position, 4)
        length = int.from_bytes(source.read_exactly(position + 4, 4), "little")
        # Once a frame was found, a truncated chunk without pixels can be skipped.
        if position + 8 + length > source.size:
            if kind not in _PIXELS and _has_pixels(header):
                header.cut = True  # truncated metadata after the picture
                break
            raise refusals.truncated_picture(LABEL)
        _read_chunk(header, kind, source, position, length)
        if kind in (b"VP8 ", b"VP8L") and not header.extended:
            break
        position += 8 + length + length % 2
    else:
        raise refusals.too_complex(LABEL, f"it has more than {MAX_CHUNKS:,} chunks")
    if not _has_pixels(header):
        raise refusals.truncated_picture(LABEL) if declared > source.size else refusals.broken_picture(LABEL)
    return header


def _has_pixels(header: _Header) -> bool:
    return bool(header.width) and header.pixels


def _read_chunk(header: _Header, kind: bytes, source: Source, position: int, length: int) -> None:
    content = position + 8
    if kind == b"VP8X":
        if header.spans or length < 10:
            raise refusals.broken_picture(LABEL)
        flags = source.read_exactly(content, 10)
        header.extended = True
        header.width = int.from_bytes(flags[4:7], "little") + 1
        header.height = int.from_bytes(flags[7:10], "little") + 1
        header.spans.append((position, 8 + length))
    elif kind in (b"VP8 ", b"VP8L"):
        size = _bitstream_size(kind, source.read_exactly(content, min(length, 10)))
        if not header.extended:
            header.width, header.height = size
        elif size != (header.width, header.height):
            raise refusals.broken_picture(LABEL)
        header.spans.append((position, 8 + length))
        header.pixels = True
    elif kind == b"ANMF":
        header.frames += 1
        header.pixels = True
        if header.frames == 1:
            header.spans.append((position, 8 + length))
    elif kind in (b"ALPH", b"ANIM"):
        header.spans.append((position, 8 + length))
    elif kind == b"ICCP" and header.profile_at is None:
        header.profile_at = (content, length)
    elif kind == b"EXIF" and header.exif_at is None:
        header.exif_at = (content, length)


def _bitstream_size(kind: bytes, start: bytes) -> tuple[int, int]:
    """Returns width and height of a VP8 key frame (RFC 6386, 9.1) or a VP8L bit stream, 14 bits each."""
    if kind == b"VP8 ":
        if len(start) < 10 or start[3:6] != b"\x9d\x01\x2a":
            raise refusals.broken_picture(LABEL)
        width, height = struct.unpack("<HH", start[6:10])
        width, height = width & 0x3FFF, height & 0x3FFF
    else:
        if len(start) < 5 or start[0] != 0x2F:
            raise refusals.broken_picture(LABEL)
        bits = int.from_bytes(start[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if not width or not height:
        raise refusals.broken_picture(LABEL)
    return width, height
