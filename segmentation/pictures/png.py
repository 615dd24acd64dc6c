"""PNG and APNG (W3C PNG, third edition) chunks, and a copy with only what affects pixels.

The decoder gets IHDR, PLTE, a palette's tRNS, IDAT and IEND. Text, time, private and animation chunks are
dropped, so that compressed text cannot expand and only the default picture of an APNG is decoded.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, PngImagePlugin

from segmentation.pictures import exif, refusals
from segmentation.pictures.density import INCHES_PER_METRE, Density, density
from segmentation.pictures.pixels import grey16_to_8, to_array
from segmentation.pictures.png_colour import COLOUR_CHUNKS, colour_profile
from segmentation.pictures.probe import DAMAGED, SEVERAL_FRAMES, Probe
from segmentation.pictures.source import Source

LABEL = "PNG"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# 64 MiB in the usual pieces of 8 KiB are 8,192 IDAT chunks; one chunk per row also occurs.
MAX_CHUNKS = 100_000
# Limit on the texts searched for the picture's authors.
MAX_TEXTS = 100
MAX_TEXT_BYTES = 1 << 16
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_KEYWORDS = {b"Author": exif.ARTIST, b"Copyright": exif.COPYRIGHT}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: the start and the steps of each pass.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@dataclass
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool
    spans: list[tuple[int, int]] = field(default_factory=list)
    key: bytes | None = None
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    texts: list[tuple[bytes, int, int]] = field(default_factory=list)
    animated: bool = False
    ended: bool = True
    # The data of a truncated last IDAT chunk.
    cut: tuple[int, int] | None = None


def accepts(head: bytes) -> bool:
    return head.startswith(SIGNATURE)


def probe(source: Source) -> Probe:
    """Walks the chunks without reading pixel data. Raises PictureError if they are not a readable PNG."""
    header = _read_header(source)
    warnings = [SEVERAL_FRAMES] if header.animated else []
    profile = colour_profile(source, header.places, warnings)
    block = None
    exif_at = header.places.get(b"eXIf")
    if exif_at and exif_at[1] <= exif.MAX_EXIF_BYTES:
        block = exif.without_prefix(source.read_exactly(*exif_at))

    def load() -> Image.Image:
        if header.interlaced or not header.ended:
            _check_length(source, header)
        clean = _clean(source, header, warnings)
        image = PngImagePlugin.PngImageFile(io.BytesIO(clean))
        image.load()
        return _apply_colour_key(image, header)

    return Probe(
        format="png",
        width=header.width,
        height=header.height,
        load=load,
        orientation=exif.orientation(block) if block else 1,
        profile=profile,
        exif=block,
        density=_density(source, header),
        texts=_texts(source, header),
        warnings=warnings,
    )


def _read_header(source: Source) -> _Header:
    first = source.read_exactly(8, 25)
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
    header = _Header(width, height, depth, colour, bool(interlace), spans=[(8, 25)])
    position = 33
    data_seen = palette_seen = False
    for _ in range(MAX_CHUNKS):
        start = source.read_at(position, 8)
        if len(start) < 8:
            # Only the end marker, or part of it, is missing; the amount of pixel data shows whether pixels
            # are.
            return _without_end(header, data_seen)
        length, kind = struct.unpack(">I4s", start)
        end = position + 12 + length
        if length >= 2**31:
            raise refusals.broken_picture(LABEL)
        if kind == b"IEND":
            if not data_seen or (colour == 3 and not palette_seen):
                raise refusals.broken_picture(LABEL)
            return header
        if end > source.size:
            if kind == b"IDAT":
                header.cut = (position + 8, min(length, source.size - position - 8))
            return _without_end(header, data_seen or header.cut is not None)
        data_seen = data_seen or kind == b"IDAT"
        palette_seen = palette_seen or kind == b"PLTE"
        _read_chunk(header, kind, source, position, length)
        position = end
    raise refusals.too_complex(LABEL, f"it has more than {MAX_CHUNKS:,} chunks")


def _density(source: Source, header: _Header) -> Density | None:
    if header.places.get(b"pHYs", (0, 0))[1] != 9:
        return None
    across, down, unit = struct.unpack(">IIB", source.read_exactly(*header.places[b"pHYs"]))
    return density(across, down, 1 / INCHES_PER_METRE) if unit == 1 else None


def _texts(source: Source, header: _Header) -> dict[int, str]:
    """Returns the picture's authorship texts by EXIF tag. Compressed text is expanded only up to its
    limit."""
    found: dict[int, str] = {}
    for kind, start, length in header.texts:
        keyword, _, content = source.read_exactly(start, length).partition(b"\x00")
        if keyword not in _KEYWORDS:
            continue
        if kind == b"iTXt":
            packed, content = content[:1] == b"\x01", content[2:].split(b"\x00", 2)[-1]
        else:
            packed, content = kind == b"zTXt", content[1:] if kind == b"zTXt" else content
        try:
            if packed:
                content = zlib.decompressobj().decompress(content, MAX_TEXT_BYTES)
            found.setdefault(_KEYWORDS[keyword], content.decode("utf-8" if kind == b"iTXt" else "latin-1"))
        except (zlib.error, UnicodeDecodeError):
            continue
    return found


def _without_end(header: _Header, data_seen: bool) -> _Header:
    if not data_seen:
        raise refusals.truncated_picture(LABEL)
    header.ended = False
    return header


def _read_chunk(header: _Header, kind: bytes, source: Source, position: int, length: int) -> None:
    if kind in (b"PLTE", b"IDAT") or (kind == b"tRNS" and header.colour == 3):
        if kind != b"IDAT" and length > 3 * 256:
            raise refusals.broken_picture(LABEL)
        header.spans.append((position, length + 12))
    elif kind == b"tRNS" and length == {0: 2, 2: 6}.get(header.colour):
        header.key = source.read_exactly(position + 8, length)
    elif kind in (b"eXIf", b"pHYs", *COLOUR_CHUNKS):
        header.places.setdefault(kind, (position + 8, length))
    elif kind in _TEXTS and length <= MAX_TEXT_BYTES and len(header.texts) < MAX_TEXTS:
        header.texts.append((kind, position + 8, length))
    elif kind == b"acTL" and length >= 4:
        header.animated = int.from_bytes(source.read_exactly(position + 8, 4)) > 1


def _check_length(source: Source, header: _Header) -> None:
    """Raises PictureError if pixels are missing. Pillow accepts an interlaced picture whose data stops early
    and leaves the rest black; a truncated file may still have all pixels.
    """
    bits = header.depth * _CHANNELS[header.colour]
    wanted = 0
    for left, top, across, down in _PASSES if header.interlaced else ((0, 0, 1, 1),):
        width = -(-(header.width - left) // across)
        height = -(-(header.height - top) // down)
        if width > 0 and height > 0:
            wanted += height * (1 + -(-width * bits // 8))
    unpacker = zlib.decompressobj()
    for piece in _data(source, header):
        try:
            while piece and wanted > 0:
                wanted -= len(unpacker.decompress(piece, 1 << 20))
                piece = unpacker.unconsumed_tail
        except zlib.error as error:
            raise refusals.broken_picture(LABEL) from error
    wanted -= len(unpacker.flush()) if wanted > 0 else 0
    if wanted > 0:
        raise refusals.truncated_picture(LABEL)


def _data(source: Source, header: _Header) -> Iterator[bytes]:
    """Yields the compressed pixels, piece by piece."""
    for start, length in header.spans:
        if source.read_exactly(start + 4, 4) == b"IDAT":
            yield source.read_exactly(start + 8, length - 12)
    if header.cut:
        yield source.read_exactly(*header.cut)


def _clean(source: Source, header: _Header, warnings: list[str]) -> bytes:
    """Returns the file for the decoder. The decoder ignores wrong checksums of pixel data; they become a
    warning.
    """
    pieces = [SIGNATURE]
    damaged = False
    for span in header.spans:
        chunk = source.read_exactly(*span)
        damaged = damaged or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:])
        pieces.append(chunk)
    if damaged:
        warnings.append(DAMAGED)
    if header.cut:
        pieces.append(_chunk(b"IDAT", source.read_exactly(*header.cut)))
    return b"".join([*pieces, _chunk(b"IEND", b"")])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I4s", len(content), kind) + content + checksum.to_bytes(4)


def _apply_colour_key(image: Image.Image, header: _Header) -> Image.Image:
    """Makes pixels of tRNS's colour transparent, compared at the file's own bit depth.

    The decoder keeps only the high bytes of 16-bit colour, so there only the high bytes are compared.
    """
    if header.key is None:
        return image
    wanted = struct.unpack(f">{len(header.key) // 2}H", header.key)
    if header.colour == 2:
        key = [value >> 8 if header.depth == 16 else value for value in wanted]
        differs = (to_array(image) != np.array(key)).any(axis=2)
    elif header.depth == 16:
        differs = np.asarray(image) != wanted[0]
        image = grey16_to_8(image)
    else:
        image = image.convert("L")
        differs = to_array(image) != wanted[0] * (255 // (2**header.depth - 1))
    image.putalpha(Image.fromarray(differs.astype(np.uint8) * np.uint8(255)))
    return image
