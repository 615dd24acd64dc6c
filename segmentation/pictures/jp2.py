"""JPEG 2000 (ITU-T T.800): a bare code stream or a JP2 file, and a copy without its metadata boxes.

The header sets the numbers of tiles, precincts, code blocks and layers freely, and the decoder allocates
memory for each: their product is limited here, before the decoder starts.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

from PIL import Image, Jpeg2KImagePlugin

from segmentation.pictures import exif, refusals
from segmentation.pictures.density import INCHES_PER_METRE, Density, density
from segmentation.pictures.probe import MAX_PROFILE_BYTES, PROFILE_TOO_LARGE, Probe
from segmentation.pictures.source import Source

LABEL = "JPEG 2000"
MAX_TILES = 16_384
# Three channels of 50 megapixels have 600,000 blocks of 16 × 16, or some 40,000 of the usual 64 × 64.
MAX_BLOCKS = 2_000_000
MAX_PACKETS = 3_000_000
MAX_BOXES = 1_000
MAX_SEGMENTS = 40_000
_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_END = b"\xff\xd9"
_EXIF_UUID = b"JpgTiffExif->JP2"


@dataclass
class _File:
    spans: list[tuple[int, int]] = field(default_factory=list)
    stream: int = -1
    end: int = 0
    size: tuple[int, int] | None = None
    density: Density | None = None
    cut: bool = False  # the code stream's box is longer than the file
    profile_at: tuple[int, int] | None = None
    exif_at: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Frame:
    width: int
    height: int
    channels: int
    tiles: int
    tile_width: int
    tile_height: int


def accepts(head: bytes) -> bool:
    return head.startswith((b"\xff\x4f\xff\x51", _SIGNATURE))


def probe(source: Source) -> Probe:
    """Reads boxes and marker segments. Raises PictureError if they are not a readable JPEG 2000."""
    file = _File()
    if source.read_at(0, 2) == b"\xff\x4f":
        file.spans, file.stream, file.end = [(0, source.size)], 0, source.size
    else:
        _read_boxes(source, file)
    frame = _read_frame(source, file.stream)
    if file.size not in (None, (frame.width, frame.height)):
        raise refusals.broken_picture(LABEL)
    source.check_size(frame.width, frame.height)
    _check_coding(source, file, frame)
    warnings: list[str] = []
    profile = None
    if file.profile_at:
        if file.profile_at[1] > MAX_PROFILE_BYTES:
            warnings.append(PROFILE_TOO_LARGE)
        else:
            profile = source.read_exactly(*file.profile_at)
    block = None
    if file.exif_at and file.exif_at[1] <= exif.MAX_EXIF_BYTES:
        block = exif.without_prefix(source.read_exactly(*file.exif_at))

    def load() -> Image.Image:
        image = Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(_clean(source, file)))
        image.load()
        return image

    return Probe(
        format="jp2",
        width=frame.width,
        height=frame.height,
        load=load,
        orientation=exif.orientation(block) if block else 1,
        profile=profile,
        exif=block,
        density=file.density,
        warnings=warnings,
    )


def _clean(source: Source, file: _File) -> bytes:
    """Returns the file for the decoder. Adds a missing end marker: the lengths of the tile parts show whether
    data is missing.
    """
    pieces = [source.read_exactly(*span) for span in file.spans]
    if file.cut:
        # Length 0 means up to the end of the file.
        pieces[-1] = bytes(4) + pieces[-1][4:]
    elif file.end < source.size:
        return b"".join(pieces)
    if not pieces[-1].endswith(_END):
        # Half a marker does not count.
        pieces[-1] = pieces[-1].removesuffix(b"\xff") + _END
    return b"".join(pieces)


def _boxes(source: Source, start: int, end: int) -> list[tuple[bytes, int, int, int]]:
    """Returns type, start, start of the content, and end of each box between two positions. Only a code
    stream may end beyond the second position.
    """
    found = []
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", source.read_exactly(start, 8))
        content = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", source.read_exactly(content, 8))
            content += 8
        stop = end if length == 0 else start + length
        if stop < content:
            raise refusals.broken_picture(LABEL)
        if stop > end and (kind != b"jp2c" or content > end):
            raise refusals.truncated_picture(LABEL)
        found.append((kind, start, content, stop))
        if len(found) > MAX_BOXES:
            raise refusals.too_complex(LABEL, f"it has more than {MAX_BOXES:,} boxes")
        start = stop
    return found


def _read_boxes(source: Source, file: _File) -> None:
    for kind, start, content, stop in _boxes(source, 0, source.size):
        if kind in (b"jP  ", b"ftyp"):
            file.spans.append((start, stop - start))
        elif kind == b"jp2h" and file.size is None:
            file.spans.append((start, stop - start))
            _read_header_box(source, file, content, stop)
        elif kind == b"jp2c" and file.stream < 0:
            file.cut, stop = stop > source.size, min(stop, source.size)
            file.stream, file.end = content, stop
            file.spans.append((start, stop - start))
        elif kind == b"uuid" and source.read_at(content, 16) == _EXIF_UUID:
            file.exif_at = (content + 16, stop - content - 16)
    if file.stream < 0 or file.size is None:
        raise refusals.truncated_picture(LABEL)


def _read_header_box(source: Source, file: _File, start: int, end: int) -> None:
    for kind, _, content, stop in _boxes(source, start, end):
        if kind == b"ihdr":
            height, width = struct.unpack(">II", source.read_exactly(content, 8))
            file.size = (width, height)
        elif kind == b"res ":
            _read_resolution(source, file, content, stop)
        elif kind == b"colr" and source.read_at(content, 1) == b"\x02" and file.profile_at is None:
            file.profile_at = (content + 3, stop - content - 3)


def _read_resolution(source: Source, file: _File, start: int, end: int) -> None:
    """Reads pixels per metre (I.5.3.7), of capture or of display."""
    for kind, _, content, stop in _boxes(source, start, end):
        if kind in (b"resc", b"resd") and stop - content >= 10 and file.density is None:
            down, down_of, across, across_of, down_10, across_10 = struct.unpack(
                ">4H2b", source.read_exactly(content, 10)
            )
            if down_of and across_of and abs(down_10) <= 8 and abs(across_10) <= 8:
                metres = across / across_of * 10.0**across_10, down / down_of * 10.0**down_10
                file.density = density(*metres, 1 / INCHES_PER_METRE)


def _read_frame(source: Source, start: int) -> _Frame:
    """Reads SIZ (A.5.1): the reference grid, tiles, and channels of at most 16 bits without subsampling."""
    if source.read_exactly(start, 4) != b"\xff\x4f\xff\x51":
        raise refusals.broken_picture(LABEL)
    right, bottom, left, top, tile_w, tile_h, tile_x, tile_y, channels = struct.unpack(
        ">8IH", source.read_exactly(start + 8, 34)
    )
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0 or not tile_w or not tile_h or tile_x > left or tile_y > top:
        raise refusals.broken_picture(LABEL)
    if channels not in (1, 2, 3, 4):
        raise refusals.unsupported_variant(LABEL, f"{channels} colour channels")
    depths = source.read_exactly(start + 42, 3 * channels)
    if any((depth & 0x7F) + 1 > 16 for depth in depths[::3]):
        raise refusals.unsupported_variant(LABEL, "more than 16 bits a channel")
    tiles = -(-(right - tile_x) // tile_w) * -(-(bottom - tile_y) // tile_h)
    if tiles > MAX_TILES:
        raise refusals.too_complex(LABEL, f"it has {tiles:,} tiles")
    return _Frame(width, height, channels, tiles, min(tile_w, width), min(tile_h, height))


def _check_coding(source: Source, file: _File, frame: _Frame) -> None:
    """Checks every coding style (COD, COC; A.6.1, A.6.2) of the main header and of all tile parts."""
    position = file.stream + 2
    tile_part = file.stream
    part_size = 0
    layers = 1
    seen: set[int] = set()
    for _ in range(MAX_SEGMENTS):
        mark = source.read_at(position, 4)
        if len(mark) < 4 or position >= file.end or mark[:2] == b"\xff\xd9":
            break
        code, length = struct.unpack(">HH", mark)
        if code == 0xFF90:
            tile_part = position
            number, part_size = struct.unpack(">HI", source.read_exactly(position + 4, 6))
            seen.add(number)
        if code == 0xFF93:
            if part_size < 12:
                break
            position = tile_part + part_size
            if position > file.end:
                raise refusals.truncated_picture(LABEL)
            continue
        if length < 2 or code < 0xFF00:
            raise refusals.broken_picture(LABEL)
        if code == 0xFF52:
            style, _, layers, _ = struct.unpack(">BBHB", source.read_exactly(position + 4, 5))
            _check_style(source.read_exactly(position + 9, length - 7), style, layers, frame)
        elif code == 0xFF53:
            content = source.read_exactly(position + 4, length - 2)
            _check_style(content[2:], content[1] if len(content) > 1 else 0, layers, frame)
        position += 2 + length
    else:
        raise refusals.too_complex(LABEL, "it has thousands of marker segments")
    if len(seen) < frame.tiles:
        raise refusals.truncated_picture(LABEL)


def _check_style(content: bytes, style: int, layers: int, frame: _Frame) -> None:
    """Limits code blocks and packets, computed from levels, block and precinct sizes (tables A.15 and
    A.21)."""
    if len(content) < 5 or content[0] > 32:
        raise refusals.broken_picture(LABEL)
    levels, block_w, block_h = content[0], (content[1] & 15) + 2, (content[2] & 15) + 2
    sizes = content[5 : 6 + levels] if style & 1 else b"\xff" * (levels + 1)
    if len(sizes) < levels + 1:
        raise refusals.broken_picture(LABEL)
    blocks = precincts = 0
    for level, size in enumerate(sizes):
        shrink = levels - level
        width, height = frame.tile_width >> shrink, frame.tile_height >> shrink
        across, down = size & 15, size >> 4
        # The bands of every level but the lowest are half as wide as the level's precincts.
        band = 1 if level else 0
        cell_w, cell_h = max(0, min(block_w, across - band)), max(0, min(block_h, down - band))
        blocks += ((width >> cell_w) + 2) * ((height >> cell_h) + 2)
        precincts += ((width >> across) + 1) * ((height >> down) + 1)
    pieces = frame.tiles * frame.channels
    if blocks * pieces > MAX_BLOCKS or precincts * pieces * layers > MAX_PACKETS:
        raise refusals.too_complex(LABEL, "it is cut into millions of little blocks")
