"""PNG and APNG (W3C PNG, third edition) chunks, and a copy that holds only what decides pixels.

The decoder gets IHDR, PLTE, a palette's tRNS, IDAT and IEND: text, time, private and animation chunks stay
behind, so that compressed text cannot unfold and of an APNG only the default picture is seen.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, PngImagePlugin

from segmentation.pictures import exif, refusals
from segmentation.pictures.pixels import array_of, grey16_to_8
from segmentation.pictures.probe import (
    MAX_PROFILE_BYTES,
    PROFILE_BROKEN,
    PROFILE_TOO_LARGE,
    SEVERAL_FRAMES,
    Probe,
)
from segmentation.pictures.source import Source

LABEL = "PNG"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# 64 MiB in the usual pieces of 8 KiB are 8,192 IDAT chunks; a chunk a row is seen, too.
MAX_CHUNKS = 100_000
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@dataclass
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    spans: list[tuple[int, int]] = field(default_factory=list)
    key: bytes | None = None
    profile_at: tuple[int, int] | None = None
    exif_at: tuple[int, int] | None = None
    animated: bool = False


def accepts(head: bytes) -> bool:
    return head.startswith(SIGNATURE)


def probe(source: Source) -> Probe:
    """Walks the chunks without reading pixel data. Raises PictureError where they are not a readable PNG."""
    header = _read_header(source)
    warnings = [SEVERAL_FRAMES] if header.animated else []
    profile = _profile(source, header, warnings)
    block = None
    if header.exif_at and header.exif_at[1] <= exif.MAX_EXIF_BYTES:
        block = exif.without_prefix(source.need(*header.exif_at))

    def load() -> Image.Image:
        clean = b"".join([SIGNATURE, *(source.need(*span) for span in header.spans)])
        image = PngImagePlugin.PngImageFile(io.BytesIO(clean))
        image.load()
        return _with_key(image, header)

    return Probe(
        format="png",
        width=header.width,
        height=header.height,
        load=load,
        orientation=exif.orientation(block) if block else 1,
        profile=profile,
        exif=block,
        warnings=warnings,
    )


def _read_header(source: Source) -> _Header:
    first = source.need(8, 25)
    if first[:8] != b"\x00\x00\x00\rIHDR":
        raise refusals.broken_picture(LABEL)
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", first[8:21])
    if (
        not 0 < width < 2**31
        or not 0 < height < 2**31
        or depth not in _DEPTHS.get(colour, ())
        or method
        or filters
        or interlace > 1
    ):
        raise refusals.broken_picture(LABEL)
    header = _Header(width, height, depth, colour, spans=[(8, 25)])
    position = 33
    data_seen = palette_seen = False
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", source.need(position, 8))
        end = position + 12 + length
        if length >= 2**31:
            raise refusals.broken_picture(LABEL)
        if kind == b"IEND":
            if not data_seen or (colour == 3 and not palette_seen):
                raise refusals.broken_picture(LABEL)
            source.need(position, 12)
            header.spans.append((position, 12))
            return header
        if end > source.size:
            raise refusals.truncated_picture(LABEL)
        data_seen = data_seen or kind == b"IDAT"
        palette_seen = palette_seen or kind == b"PLTE"
        _take(header, kind, source, position, length)
        position = end
    raise refusals.too_complex(LABEL, f"it has more than {MAX_CHUNKS:,} chunks")


def _take(header: _Header, kind: bytes, source: Source, position: int, length: int) -> None:
    if kind in (b"PLTE", b"IDAT") or (kind == b"tRNS" and header.colour == 3):
        if kind != b"IDAT" and length > 3 * 256:
            raise refusals.broken_picture(LABEL)
        header.spans.append((position, length + 12))
    elif kind == b"tRNS" and length == {0: 2, 2: 6}.get(header.colour):
        header.key = source.need(position + 8, length)
    elif kind == b"iCCP" and header.profile_at is None:
        header.profile_at = (position + 8, length)
    elif kind == b"eXIf" and header.exif_at is None:
        header.exif_at = (position + 8, length)
    elif kind == b"acTL" and length >= 4:
        header.animated = int.from_bytes(source.need(position + 8, 4)) > 1


def _profile(source: Source, header: _Header, warnings: list[str]) -> bytes | None:
    """The profile of iCCP: a name of 1 to 79 bytes, a zero, a zero for zlib, then the compressed profile."""
    if header.profile_at is None:
        return None
    start, length = header.profile_at
    if length > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    content = source.need(start, length)
    name_end = content.find(b"\x00", 0, 80)
    try:
        if name_end < 0 or content[name_end + 1 : name_end + 2] != b"\x00":
            raise zlib.error("no profile name or an unknown compression")
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(content[name_end + 2 :], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        warnings.append(PROFILE_BROKEN)
        return None
    if len(profile) > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    return profile


def _with_key(image: Image.Image, header: _Header) -> Image.Image:
    """The picture with alpha 0 where it has the colour that tRNS names, at the file's own depth.

    Of 16-bit colour the decoder keeps the high bytes, so there the key is matched by its high bytes.
    """
    if header.key is None:
        return image
    wanted = struct.unpack(f">{len(header.key) // 2}H", header.key)
    if header.colour == 2:
        key = [value >> 8 if header.depth == 16 else value for value in wanted]
        differs = (array_of(image) != np.array(key)).any(axis=2)
    elif header.depth == 16:
        differs = np.asarray(image) != wanted[0]
        image = grey16_to_8(image)
    else:
        image = image.convert("L")
        differs = array_of(image) != wanted[0] * (255 // (2**header.depth - 1))
    image.putalpha(Image.fromarray(differs.astype(np.uint8) * np.uint8(255)))
    return image
