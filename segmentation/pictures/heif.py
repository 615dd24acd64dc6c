"""HEIC (HEVC in HEIF, ISO/IEC 23008-12) and AVIF (AV1 in HEIF).

Pixels are decoded by libheif (through pi-heif, which only decodes) and libavif (through Pillow) from a
rewritten file (heif_copy.py). Of a sequence they see only the still picture.
"""

from __future__ import annotations

import io
import struct

from PIL import Image

from segmentation.pictures import exif, heif_copy, icc, refusals
from segmentation.pictures.boxes import MAX_META_BYTES, Item, Meta, read_meta, top_boxes
from segmentation.pictures.probe import (
    HIGH_DYNAMIC_RANGE,
    MAX_PROFILE_BYTES,
    PROFILE_TOO_LARGE,
    SEVERAL_FRAMES,
    Probe,
)
from segmentation.pictures.source import Source
from segmentation.pictures.video import av1_sizes, hevc_sizes

LABEL = "HEIC or AVIF"
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_CODED = {b"hvc1": (b"hvcC", hevc_sizes), b"av01": (b"av1C", av1_sizes)}
# Tolerance: coded pictures may exceed the declared size, because codecs round up to whole blocks.
_SPARE_PIXELS = 1_000_000
_MAX_TILES = 4_096


def accepts(head: bytes) -> bool:
    if head[4:8] != b"ftyp":
        return False
    brands = _brands(head)
    return bool(brands & (_HEIC_BRANDS | _AVIF_BRANDS)) or b"mif1" in brands


def _brands(head: bytes) -> set[bytes]:
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12]} | {head[i : i + 4] for i in range(16, end - 3, 4)}


def probe(source: Source) -> Probe:
    """Reads the item tables. Raises PictureError if they are not those of a readable HEIC or AVIF."""
    tops = top_boxes(source)
    found = next(((content, end) for kind, _, content, end in tops if kind == b"meta"), None)
    if found is None:
        if any(kind == b"moov" for kind, *_ in tops):
            raise refusals.unsupported_variant(LABEL, "a moving sequence without a still picture")
        raise refusals.truncated_picture(LABEL)
    if found[1] - found[0] > MAX_META_BYTES:
        raise refusals.too_complex(LABEL, "its tables have megabytes")
    content = source.read_exactly(found[0], found[1] - found[0])
    try:
        meta = read_meta(content)
        return _probe(source, meta, moving=any(kind == b"moov" for kind, *_ in tops))
    except (ValueError, struct.error, IndexError) as error:
        raise refusals.broken_picture(source.label) from error


def _probe(source: Source, meta: Meta, moving: bool) -> Probe:
    picture = meta.items.get(meta.primary)
    if picture is None:
        raise refusals.broken_picture(LABEL)
    coded = _coded_kind(meta, picture)
    avif = coded == b"av01"
    source.label = "AVIF" if avif else "HEIC"
    width, height = _size(picture)
    source.check_size(width, height)
    _check_sizes(source, meta, width, height)
    warnings = [SEVERAL_FRAMES] if moving else []
    turn = _orientation(picture)
    if not avif:
        width, height = _cropped(picture, width, height)
        # libheif applies the rotation itself.
        if turn >= 5:
            width, height = height, width

    def load() -> Image.Image:
        if avif:
            return _load_avif(heif_copy.copy(source, meta, b"avif"))
        return _load_heic(heif_copy.copy(source, meta, b"heic"))

    return Probe(
        format="avif" if avif else "heic",
        width=width,
        height=height,
        load=load,
        orientation=turn if avif else 1,
        profile=_profile(picture, warnings),
        exif=_exif(source, meta),
        warnings=warnings,
    )


def _coded_kind(meta: Meta, picture: Item) -> bytes:
    """Returns hvc1 or av01, the coding of the picture itself or of a grid's tiles."""
    kinds = {picture.kind}
    if picture.kind == b"grid":
        kinds = {meta.items[tile].kind for tile in heif_copy.parts(meta, meta.primary) if tile in meta.items}
    if len(kinds) != 1 or not kinds <= set(_CODED):
        names = ", ".join(sorted(kind.decode("ascii", "replace") for kind in kinds)) or "nothing"
        raise refusals.unsupported_variant(LABEL, f"its picture is coded as {names}")
    return kinds.pop()


def _size(item: Item) -> tuple[int, int]:
    """Returns the size from ispe, before cropping and rotation."""
    box = item.property(b"ispe")
    if box is None:
        raise ValueError("a picture without a size")
    width, height = struct.unpack_from(">II", box, 4)
    if not width or not height:
        raise ValueError("a picture without pixels")
    return width, height


def _check_sizes(source: Source, meta: Meta, width: int, height: int) -> None:
    """Raises an error if a coded item, or all tiles together, is much larger than the picture, or a displayed
    item's data is smaller than declared.
    """
    most = 2 * width * height + _SPARE_PIXELS
    shown = {meta.primary, *heif_copy.parts(meta, meta.primary)}
    # Items may share bytes; without a budget a small file could be read a thousand times over.
    budget = 2 * source.size
    for number in heif_copy.needed(meta):
        item = meta.items[number]
        if item.kind not in _CODED:
            continue
        if not item.in_idat and any(start + length > source.size for start, length in item.extents):
            raise refusals.truncated_picture(source.label)
        config_name, sizes = _CODED[item.kind]
        config = item.property(config_name)
        if config is None:
            raise ValueError("a coded item without its configuration")
        # libavif would scale a small coded picture up to the size declared in its box.
        least = _size(item) if number in shown else (0, 0)
        data = meta.data(source, item, budget)
        budget -= len(data)
        if budget <= 0:
            raise refusals.too_complex(source.label, "its pictures share their data")
        for coded in sizes(config, data):
            if coded[0] * coded[1] > most or coded[0] < least[0] or coded[1] < least[1]:
                raise ValueError("a coded item of another size than its name")
    tiles = heif_copy.parts(meta, meta.primary)
    if len(tiles) > _MAX_TILES:
        raise refusals.too_complex(source.label, f"it has {len(tiles):,} tiles")
    area = 0
    for tile in tiles:
        tile_width, tile_height = _size(meta.items[tile]) if tile in meta.items else (0, 0)
        area += tile_width * tile_height
    if area > 2 * most:
        raise ValueError("tiles larger than the picture")


def _orientation(item: Item) -> int:
    """Returns the EXIF orientation for an item's counter-clockwise quarter turns (irot) followed by its
    mirror (imir).
    """
    rotation = item.property(b"irot")
    mirror = item.property(b"imir")
    quarters = rotation[0] & 3 if rotation else 0
    if mirror is None:
        return (1, 8, 3, 6)[quarters]
    left_right = mirror[0] & 1
    return ((4, 5, 2, 7), (2, 7, 4, 5))[left_right][quarters]


def _cropped(item: Item, width: int, height: int) -> tuple[int, int]:
    """Returns the size after clap (14496-12, 12.1.4), which libheif applies."""
    box = item.property(b"clap")
    if box is None or len(box) < 32:
        return width, height
    across, across_of, down, down_of = struct.unpack_from(">4I", box)
    if not across_of or not down_of:
        raise ValueError("a crop without a size")
    return max(1, min(width, across // across_of)), max(1, min(height, down // down_of))


def _profile(item: Item, warnings: list[str]) -> bytes | None:
    for kind, content in item.properties:
        if kind == b"colr" and content[:4] in (b"prof", b"rICC"):
            if len(content) > MAX_PROFILE_BYTES:
                warnings.append(PROFILE_TOO_LARGE)
                return None
            return content[4:]
    for kind, content in item.properties:
        if kind == b"colr" and content[:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            if transfer in icc.HIGH_DYNAMIC_RANGE:
                warnings.append(HIGH_DYNAMIC_RANGE)
            return icc.from_cicp(primaries, transfer)
    return None


def _exif(source: Source, meta: Meta) -> bytes | None:
    """Returns the picture's EXIF item. Its orientation does not apply; irot and imir do (23008-12, A.2)."""
    for kind, origin, targets in meta.references:
        item = meta.items.get(origin)
        if kind == b"cdsc" and meta.primary in targets and item is not None and item.kind == b"Exif":
            content = meta.data(source, item, exif.MAX_EXIF_BYTES)
            start = 4 + int.from_bytes(content[:4])
            return exif.without_prefix(content[start:]) or None
    return None


def _load_avif(data: bytes) -> Image.Image:
    from PIL import AvifImagePlugin

    image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
    image.load()
    return image


def _load_heic(data: bytes) -> Image.Image:
    import pi_heif

    file = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    picture = file[file.primary_index]
    pixels = picture.data
    image: Image.Image = Image.frombytes(
        picture.mode.replace("a", "A"), picture.size, pixels, "raw", picture.mode, picture.stride
    )
    return image
