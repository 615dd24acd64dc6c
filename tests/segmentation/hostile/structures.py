"""JPEG 2000 and HEIF files with malicious tables and coding parameters."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.segmentation.hostile.false_headers import put
from tests.segmentation.samples import heifs, hevc
from tests.segmentation.samples.heifs import box, full
from tests.segmentation.samples.rows import ROWS
from tests.segmentation.samples.scene import saved, scene


def files() -> Iterator[tuple[str, bytes]]:
    yield from _jp2()
    yield from _heif()
    yield from _heif_tables()


def _jp2() -> Iterator[tuple[str, bytes]]:
    plain = saved(scene(), "JPEG2000")
    style = plain.index(b"\xff\x52")
    stream = plain.index(b"\xff\x4f\xff\x51")
    yield "jp2, 65535 layers", put(plain, style + 6, ">H", 65_535)
    yield "jp2, no layers", put(plain, style + 6, ">H", 0)
    for levels in (0, 32, 33, 255):
        yield f"jp2, {levels} levels", plain[: style + 9] + bytes([levels]) + plain[style + 10 :]
    for block in (0, 8, 15, 255):
        yield f"jp2, blocks {block}", plain[: style + 10] + bytes([block] * 2) + plain[style + 12 :]
    huge = put(put(plain, plain.index(b"ihdr") + 4, ">II", 7000, 7000), stream + 8, ">II", 7000, 7000)
    huge = put(huge, stream + 24, ">II", 7000, 7000)
    yield "jp2, 49 megapixels of nothing", huge
    yield "jp2, 49 megapixels in blocks of 4 × 4", huge[: style + 10] + b"\0\0" + huge[style + 12 :]
    yield "jp2, 49 megapixels in tiles of a pixel", put(huge, stream + 24, ">II", 1, 1)
    yield "jp2, 49 megapixels in 12,000 tiles", put(huge, stream + 24, ">II", 64, 64)
    levels = plain[style + 9]
    small = struct.pack(">H", 12 + levels + 1) + b"\1" + plain[style + 5 : style + 14] + b"\0" * (levels + 1)
    length = int.from_bytes(plain[style + 2 : style + 4])
    trap = plain[: style + 2] + small + plain[style + 2 + length :]
    yield "jp2, precincts of a pixel", _resized(trap)
    yield (
        "jp2, 49 megapixels in precincts of a pixel",
        _resized(huge[: style + 2] + small + huge[style + 2 + length :]),
    )
    tile = plain.index(b"\xff\x90")
    part = put(plain, tile + 6, ">I", 12)
    yield "jp2, a tile part without content", part
    yield "jp2, tile parts without end", put(plain, tile + 6, ">I", 0)
    yield "jp2, a tile part of 4 GB", put(plain, tile + 6, ">I", 2**32 - 1)
    yield "jp2, tile 65535", put(plain, tile + 4, ">H", 65_535)
    yield (
        "jp2, 20,000 empty tile parts",
        plain[:tile]
        + (plain[tile : tile + 6] + b"\0\0\0\x0e" + plain[tile + 10 : tile + 12] + b"\xff\x93") * 20_000,
    )
    yield "jp2, 65535 channels", put(plain, stream + 40, ">H", 65_535)
    yield "jp2, 38 bits", plain[: stream + 42] + b"\x25" + plain[stream + 43 :]
    yield "jp2, subsampled by 255", plain[: stream + 43] + b"\xff\xff" + plain[stream + 45 :]
    yield "jp2, subsampled by 0", plain[: stream + 43] + b"\0\0" + plain[stream + 45 :]
    yield "jp2, a box of length 0 first", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\0free"
    yield "jp2, a thousand boxes", plain[:12] + b"\0\0\0\x08free" * 2_000 + plain[12:]
    yield "jp2, a box of 2^63", plain[:12] + b"\0\0\0\1free" + b"\x7f" + b"\xff" * 7 + plain[12:]
    palette = box(b"pclr", struct.pack(">HB", 65_535, 255), b"\x07" * 255)
    header = plain.index(b"jp2h") - 4
    size = int.from_bytes(plain[header : header + 4])
    yield (
        "jp2, a palette of 65535 × 255",
        plain[:header] + box(b"jp2h", plain[header + 8 : header + size], palette) + plain[header + size :],
    )
    profile = box(b"colr", b"\2\0\0" + b"x" * 9_000_000)
    yield (
        "jp2, 9 MB of profile",
        plain[:header] + box(b"jp2h", profile, plain[header + 8 : header + size]) + plain[header + size :],
    )


def _resized(jp2: bytes) -> bytes:
    """Returns the file with the length of its last box, the code stream's, set to 'up to the end'."""
    at = jp2.index(b"jp2c") - 4
    return jp2[:at] + b"\0\0\0\0" + jp2[at + 4 :]


def _heif() -> Iterator[tuple[str, bytes]]:
    item = heifs.picture(scene())
    lying = heifs.coded(scene(16, 16))
    sizes = hevc.parameter_sets(16_384, 16_384, 3)
    arrays = b"".join(
        bytes([0x80 | k]) + struct.pack(">HH", 1, len(u)) + u
        for k, u in ((k, hevc.unit(k, p)) for k, p in sizes)
    )
    config = lying.properties[0][8:31] + arrays
    lying.properties = [box(b"hvcC", config), heifs.size_box(16, 16), heifs.PLAIN_RGB]
    yield "heic, 268 megapixels under the name of 16 × 16", heifs.heic([lying])
    hidden = heifs.picture(scene(16, 16))
    units = b"".join(struct.pack(">I", len(u)) + u for u in (hevc.unit(k, p) for k, p in sizes))
    hidden.data = units + hidden.data
    yield "heic, the same in its data", heifs.heic([hidden])
    for kind in (b"Exi\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"mime", b"uri "):
        told = heifs.Item(kind, b"\0\0\0\0II*\0", [], [(b"cdsc", [1])])
        yield f"heic, metadata of type {kind!r}", heifs.heic([item, told])
    for name in (b"", b"\xff\xfe", b"urn:mpeg:hevc:2015:auxid:1\xff\xff", b"urn:mpeg:hevc:2015:auxid:2\0"):
        aside = heifs.coded(scene()[..., :1])
        aside.properties.append(full(b"auxC", 0, 0, name))
        aside.references.append((b"auxl", [1]))
        yield f"heic, beside it {name!r}", heifs.heic([item, aside])
    no_config = heifs.picture(scene())
    no_config.properties = no_config.properties[1:]
    yield "heic, no configuration", heifs.heic([no_config])
    no_size = heifs.picture(scene())
    del no_size.properties[1]
    yield "heic, no size", heifs.heic([no_size])
    cut = heifs.picture(scene())
    cut.properties[0] = box(b"hvcC", cut.properties[0][8:40])
    yield "heic, half a configuration", heifs.heic([cut])
    yield "heic, empty data", heifs.heic([heifs.Item(b"hvc1", b"", item.properties)])
    yield "heic, zeros as data", heifs.heic([heifs.Item(b"hvc1", b"\0" * 200_000, item.properties)])
    yield "heic, ones as data", heifs.heic([heifs.Item(b"hvc1", b"\xff" * 200_000, item.properties)])
    for kind in (
        b"jpeg",
        b"unci",
        b"mime",
        b"av01",
        b"vvc1",
        b"iovl",
        b"iden",
        b"grid",
        b"Exif",
        b"\0\0\0\0",
    ):
        yield f"heic, an item of type {kind!r}", heifs.heic([heifs.Item(kind, item.data, item.properties)])
    own = heifs.Item(b"grid", bytes([0, 0, 0, 0, 0, 37, 0, 23]), [heifs.size_box(37, 23)], [(b"dimg", [1])])
    yield "heic, a grid of itself", heifs.heic([own])
    tile = heifs.picture(scene(64, 64))
    many = heifs.Item(
        b"grid",
        bytes([0, 0, 255, 255]) + struct.pack(">HH", 16_384, 16_384),
        [heifs.size_box(16_384, 16_384)],
        [(b"dimg", [1] * 65_535)],
    )
    yield "heic, a grid of 65,535 times one tile", heifs.heic([tile, many], primary=2)
    small = heifs.Item(
        b"grid",
        bytes([0, 0, 63, 63]) + struct.pack(">HH", 4096, 4096),
        [heifs.size_box(4096, 4096)],
        [(b"dimg", [1] * 4096)],
    )
    yield "heic, a grid of 4,096 times one tile", heifs.heic([tile, small], primary=2)
    crop = heifs.picture(scene())
    crop.properties.append(box(b"clap", struct.pack(">8I", 2**31, 0, 1, 0, 0, 0, 0, 0)))
    yield "heic, a crop by zero", heifs.heic([crop])
    outside = heifs.picture(scene())
    outside.properties.append(box(b"clap", struct.pack(">8I", 10, 1, 10, 1, 2**31 - 1, 1, 2**31 - 1, 1)))
    yield "heic, a crop outside", heifs.heic([outside])
    alpha = heifs.coded(scene(256, 256)[..., :1])
    alpha.properties.append(full(b"auxC", 0, 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"))
    alpha.references.append((b"auxl", [1]))
    yield "heic, alpha of another size", heifs.heic([heifs.picture(scene()), alpha])
    circle = heifs.picture(scene())
    circle.references = [(b"auxl", [1]), (b"thmb", [1]), (b"cdsc", [1]), (b"dimg", [1])]
    yield "heic, references in a circle", heifs.heic([circle])
    shared = heifs.heic([heifs.Item(b"hvc1", b"", item.properties)] * 2_000, tail=b"\x7f" * 20_000_000)
    start, empty = len(shared) - 20_000_000, struct.pack(">HHHI", 0, 0, 1, len(shared) - 20_000_000)[2:]
    everything = empty + struct.pack(">I", 20_000_000)
    yield (
        "heic, 2,000 items of the same 20 MB",
        shared[:start].replace(empty + b"\0\0\0\0", everything) + shared[start:],
    )
    yield "heic, a thousand items", heifs.heic([item] + [heifs.Item(b"hvc1", b"x", item.properties)] * 1_500)


def _heif_tables() -> Iterator[tuple[str, bytes]]:
    for name in ("heic", "avif alpha"):
        plain = ROWS[name]().data
        for table in (b"iloc", b"iinf", b"pitm", b"ipma", b"ipco", b"ispe", b"hdlr"):
            at = plain.index(table)
            yield f"{name}, {table!r} of zero length", plain[: at - 4] + b"\0\0\0\0" + plain[at:]
            yield f"{name}, {table!r} of 4 GB", plain[: at - 4] + b"\xff\xff\xff\xff" + plain[at:]
            yield f"{name}, {table!r} filled with ones", plain[: at + 4] + b"\xff" * 24 + plain[at + 28 :]
            yield f"{name}, {table!r} renamed", plain[:at] + b"free" + plain[at + 4 :]
        yield f"{name}, a million empty boxes", plain[:24] + b"\0\0\0\x08free" * 1_000_000 + plain[24:]
        yield f"{name}, 20 MB of tables", plain[:24] + full(b"meta", 0, 0, b"\0" * 20_000_000)
    brands = box(b"ftyp", b"heic", b"\0\0\0\0", b"mif1" * 200_000)
    yield "heic, 200,000 brands", brands + ROWS["heic"]().data[24:]
