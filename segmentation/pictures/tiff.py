"""TIFF 6.0 and BigTIFF: the first directory of a full picture, and a copy with only that directory.

The copy is the file with a new directory at its end: only the checked entries that affect pixels, and no next
directory. So nothing else in the file is ever decoded. Orientation, profile and metadata to keep are read
here, too.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, TiffImagePlugin

from segmentation.errors import PictureError
from segmentation.pictures import exif, refusals
from segmentation.pictures.density import Density, density
from segmentation.pictures.pixels import grey16_to_8
from segmentation.pictures.probe import MAX_PROFILE_BYTES, PROFILE_TOO_LARGE, SEVERAL_FRAMES, Probe
from segmentation.pictures.source import Source

LABEL = "TIFF"
MAX_ENTRIES = 4_096
# Number of directories searched for the first full picture; each costs a read.
MAX_DIRECTORIES = 100
# A 50-megapixel picture in tiles of 16 × 16 has 195,000; each costs the decoder a step in Python.
MAX_PIECES = 200_000
MAX_CHANNELS = 6
MAX_TEXT_BYTES = 1 << 16
MAX_TILE_PIXELS = 1 << 24
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, ORIENTATION, SAMPLES, ROWS, STRIP_SIZES, PLANAR = 273, 274, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_SIZES, SAMPLE_FORMAT = 322, 323, 324, 325, 339
RESOLUTION, RESOLUTION_UNIT = 282, 296
KIND, OLD_KIND, CHILDREN, JPEG_TABLES, PROFILE, DNG_VERSION = 254, 255, 330, 347, 34675, 50706

# Tags that affect pixels, with the maximum number of values of each.
_KEPT = {
    WIDTH: 1, HEIGHT: 1, BITS: 8, COMPRESSION: 1, PHOTOMETRIC: 1, 266: 1, STRIPS: MAX_PIECES, SAMPLES: 1,
    ROWS: 1, STRIP_SIZES: MAX_PIECES, PLANAR: 1, 292: 1, 293: 1, 317: 1, 320: 3 * 256, TILE_WIDTH: 1,
    TILE_HEIGHT: 1, TILES: MAX_PIECES, TILE_SIZES: MAX_PIECES, 338: 8, SAMPLE_FORMAT: 8,
    JPEG_TABLES: 1 << 17, 530: 2, 531: 1,
}  # fmt: skip
# None, three of fax, LZW, JPEG, deflate (two numbers), PackBits.
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}


@dataclass(frozen=True)
class _Entry:
    kind: int
    count: int
    raw: bytes


@dataclass(frozen=True)
class _Directory:
    order: str
    big: bool
    entries: dict[int, _Entry]
    next: int

    def numbers(self, source: Source, tag: int, most: int = 8) -> tuple[int, ...]:
        """Returns the first values of an integer tag; empty if it is missing or of another type."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _LETTERS:
            return ()
        count = min(entry.count, most)
        size = _SIZES[entry.kind]
        if entry.count * size <= len(entry.raw):
            content = entry.raw[: count * size]
        else:
            content = source.read_exactly(self.offset(tag), count * size)
        return struct.unpack(f"{self.order}{count}{_LETTERS[entry.kind]}", content)

    def number(self, source: Source, tag: int, default: int) -> int:
        return next(iter(self.numbers(source, tag, 1)), default)

    def ratio(self, source: Source, tag: int) -> float:
        """Returns the value of a rational tag; 0 if it is missing or of another type."""
        entry = self.entries.get(tag)
        if entry is None or (entry.kind, entry.count) != (5, 1):
            return 0.0
        content = entry.raw[:8] if len(entry.raw) == 8 else source.read_at(self.offset(tag), 8)
        over, under = struct.unpack(self.order + "II", content) if len(content) == 8 else (0, 0)
        return float(over / under) if under else 0.0

    def is_part(self, source: Source) -> bool:
        """Whether this is a smaller copy (a thumbnail) or a mask of another picture in the file."""
        return bool(self.number(source, KIND, 0) & 5) or self.number(source, OLD_KIND, 1) == 2

    def offset(self, tag: int) -> int:
        raw = self.entries[tag].raw
        return int(struct.unpack(self.order + ("Q" if self.big else "I"), raw)[0])


def accepts(head: bytes) -> bool:
    return head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")) and head[8:10] != b"CR"


def probe(source: Source) -> Probe:
    """Reads the directory of the first full picture. Raises PictureError if it is not readable."""
    directory, several = _choose(source)
    if DNG_VERSION in directory.entries or (
        directory.number(source, KIND, 0) & 1 and CHILDREN in directory.entries
    ):
        raise refusals.raw_photo()
    width = directory.number(source, WIDTH, 0)
    height = directory.number(source, HEIGHT, 0)
    if width <= 0 or height <= 0:
        raise refusals.broken_picture(LABEL)
    source.check_size(width, height)
    _check(source, directory, width, height)
    warnings = [SEVERAL_FRAMES] if several else []

    def load() -> Image.Image:
        image: Image.Image = TiffImagePlugin.TiffImageFile(io.BytesIO(_clean(source, directory)))
        image.load()
        # Pillow leaves 16-bit grey as stored, where 0 may be white.
        if image.mode.startswith("I;16"):
            image = _grey16(image, directory.number(source, BITS, 16))
            if directory.number(source, PHOTOMETRIC, 1) == 0:
                return ImageChops.invert(image)
        return image

    orientation = directory.number(source, ORIENTATION, 1)
    return Probe(
        format="tiff",
        width=width,
        height=height,
        load=load,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        profile=_profile(source, directory, warnings),
        density=_density(source, directory),
        texts=_texts(source, directory),
        warnings=warnings,
    )


def _choose(source: Source) -> tuple[_Directory, bool]:
    """Returns the first directory that is neither a thumbnail nor a mask of another picture, else the very
    first, and whether the file has more full pictures.
    """
    order, big, start = _head(source)
    first = directory = _read(source, order, big, start)
    if DNG_VERSION in first.entries or (CHILDREN in first.entries and first.is_part(source)):
        return first, False
    full: list[_Directory] = []
    seen = {start}
    for _ in range(MAX_DIRECTORIES):
        if not directory.is_part(source):
            full.append(directory)
        if len(full) > 1 or not directory.next or directory.next in seen:
            break
        seen.add(directory.next)
        try:
            directory = _read(source, order, big, directory.next)
        except PictureError:
            break  # the chain breaks after a complete picture
    return (full or [first])[0], len(full) > 1


def _head(source: Source) -> tuple[str, bool, int]:
    """Returns the byte order, whether it is a BigTIFF, and the offset of the first directory."""
    head = source.read_exactly(0, 8)
    order = "<" if head.startswith(b"II") else ">"
    big = head[2:4] in (b"+\x00", b"\x00+")
    if not big:
        return order, big, int(struct.unpack(order + "I", head[4:])[0])
    if struct.unpack(order + "HH", head[4:]) != (8, 0):
        raise refusals.broken_picture(LABEL)
    return order, big, int(struct.unpack(order + "Q", source.read_exactly(8, 8))[0])


def _read(source: Source, order: str, big: bool, start: int) -> _Directory:
    letter, wide, step = ("Q", 8, 20) if big else ("I", 4, 12)
    head_size = 8 if big else 2
    (count,) = struct.unpack(order + ("Q" if big else "H"), source.read_exactly(start, head_size))
    if not 0 < count <= MAX_ENTRIES:
        raise refusals.broken_picture(LABEL)
    content = source.read_exactly(start + head_size, count * step)
    entries: dict[int, _Entry] = {}
    for position in range(0, len(content), step):
        tag, kind, values = struct.unpack_from(f"{order}HH{letter}", content, position)
        entries.setdefault(tag, _Entry(kind, values, content[position + step - wide : position + step]))
    following = source.read_at(start + head_size + count * step, wide)
    more = struct.unpack(order + letter, following)[0] if len(following) == wide else 0
    return _Directory(order, big, entries, more)


def _check(source: Source, directory: _Directory, width: int, height: int) -> None:
    """Raises PictureError for what the decoder does not support or what would cost it too much."""
    compression = directory.number(source, COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        raise refusals.unsupported_variant(LABEL, f"compression {compression}")
    bits = directory.numbers(source, BITS) or (1,)
    if max(bits) > 16 or any(one not in (1, 4) for one in directory.numbers(source, SAMPLE_FORMAT)):
        raise refusals.unsupported_variant(LABEL, "numbers of more than 16 bits or with a sign or a point")
    if not 1 <= directory.number(source, SAMPLES, 1) <= MAX_CHANNELS:
        raise refusals.unsupported_variant(LABEL, "more than six channels")
    for tag, most in _KEPT.items():
        entry = directory.entries.get(tag)
        if entry is None:
            continue
        if entry.count > most:
            raise refusals.too_complex(
                LABEL, f"it has {entry.count:,} parts or values where {most:,} are usual"
            )
    planes = directory.number(source, SAMPLES, 1) if directory.number(source, PLANAR, 1) == 2 else 1
    if TILES in directory.entries:
        tile_width = directory.number(source, TILE_WIDTH, 0)
        tile_height = directory.number(source, TILE_HEIGHT, 0)
        if tile_width <= 0 or tile_height <= 0 or tile_width * tile_height > MAX_TILE_PIXELS:
            raise refusals.broken_picture(LABEL)
        pieces = -(-width // tile_width) * -(-height // tile_height) * planes
        listed = directory.entries[TILES].count
    else:
        rows = min(directory.number(source, ROWS, height), height)
        if rows <= 0 or STRIPS not in directory.entries:
            raise refusals.broken_picture(LABEL)
        pieces = -(-height // rows) * planes
        listed = directory.entries[STRIPS].count
    if pieces > MAX_PIECES:
        raise refusals.too_complex(LABEL, f"it has {pieces:,} parts")
    if listed < pieces:
        raise refusals.broken_picture(LABEL)
    _check_extents(source, directory, height, pieces)


def _check_extents(source: Source, directory: _Directory, height: int, pieces: int) -> None:
    """Raises PictureError if pixel data lies beyond the end of the file: there the decoder would read our own
    directory.
    """
    tiled = TILES in directory.entries
    starts = directory.numbers(source, TILES if tiled else STRIPS, pieces)
    counts = directory.numbers(source, TILE_SIZES if tiled else STRIP_SIZES, pieces)
    if len(counts) < pieces:
        return  # one strip without a size: the decoder reads whatever is there
    if directory.number(source, COMPRESSION, 1) == 1 and not tiled:
        # Sizes of uncompressed strips are often too large, or 0, and the decoder ignores them.
        rows = min(directory.number(source, ROWS, height), height)
        planar = directory.number(source, PLANAR, 1) == 2
        bits = directory.numbers(source, BITS) or (1,)
        samples = 1 if planar else directory.number(source, SAMPLES, 1)
        row_bytes = -(-directory.number(source, WIDTH, 0) * samples * bits[0] // 8)
        a_plane = -(-height // rows)
        counts = tuple(row_bytes * min(rows, height - number % a_plane * rows) for number in range(pieces))
    if any(start + count > source.size for start, count in zip(starts, counts, strict=False)):
        raise refusals.truncated_picture(LABEL)


def _clean(source: Source, directory: _Directory) -> bytes:
    """Returns the file with a checked directory appended, always as classic TIFF."""
    data = source.read_all()
    data += b"\x00" * (len(data) % 2)
    kept: dict[int, tuple[int, int, bytes]] = {}
    for tag in sorted(_KEPT.keys() & directory.entries.keys()):
        entry = directory.entries[tag]
        if tag == JPEG_TABLES:
            kept[tag] = (7, entry.count, source.read_exactly(directory.offset(tag), entry.count))
            continue
        values = directory.numbers(source, tag, entry.count)
        if not values:
            continue
        if max(values) >= 2**32:
            raise refusals.broken_picture(LABEL)
        kind, letter = (3, "H") if entry.kind in (1, 3) else (4, "I")
        kept[tag] = (kind, len(values), struct.pack(f"{directory.order}{len(values)}{letter}", *values))
    table = [struct.pack(directory.order + "H", len(kept))]
    beyond: list[bytes] = []
    free = len(data) + 2 + 12 * len(kept) + 4
    for tag, (kind, count, content) in kept.items():
        place = content.ljust(4, b"\x00")
        if len(content) > 4:
            beyond.append(content + b"\x00" * (len(content) % 2))
            place = struct.pack(directory.order + "I", free)
            free += len(beyond[-1])
        table.append(struct.pack(directory.order + "HHI", tag, kind, count) + place)
    mark = b"II" if directory.order == "<" else b"MM"
    head = mark + struct.pack(directory.order + "HI", 42, len(data))
    return b"".join([head, memoryview(data)[8:], *table, b"\x00" * 4, *beyond])


def _density(source: Source, directory: _Directory) -> Density | None:
    across, down = directory.ratio(source, RESOLUTION), directory.ratio(source, RESOLUTION + 1)
    unit = directory.number(source, RESOLUTION_UNIT, 2)
    if not across or not down or unit not in (2, 3):
        return None
    return density(across, down, 1.0 if unit == 2 else 2.54)


def _texts(source: Source, directory: _Directory) -> dict[int, str]:
    """Returns authorship and description texts by EXIF tag (EXIF's tags are TIFF's)."""
    found = {}
    for tag in exif.TEXTS:
        entry = directory.entries.get(tag)
        if entry is None or entry.kind != 2 or entry.count > MAX_TEXT_BYTES:
            continue
        inline = entry.count <= len(entry.raw)
        content = entry.raw[: entry.count] if inline else source.read_at(directory.offset(tag), entry.count)
        found[tag] = content.rstrip(b"\x00").decode("utf-8", "replace")
    return found


def _grey16(image: Image.Image, bits: int) -> Image.Image:
    """Converts 16-bit grey to mode L; Pillow leaves 12-bit values unscaled."""
    if bits == 16:
        return grey16_to_8(image)
    return Image.fromarray((np.asarray(image) >> (bits - 8)).astype(np.uint8))


def _profile(source: Source, directory: _Directory, warnings: list[str]) -> bytes | None:
    entry = directory.entries.get(PROFILE)
    if entry is None or _SIZES.get(entry.kind) != 1 or entry.count < 128:
        return None
    if entry.count > MAX_PROFILE_BYTES:
        warnings.append(PROFILE_TOO_LARGE)
        return None
    return source.read_at(directory.offset(PROFILE), entry.count)
