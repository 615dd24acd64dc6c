"""Small files that would cost a naive reader minutes or gigabytes, and large ones that contain only waste."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from tests.segmentation.samples import jpegs, pngs, tiffs
from tests.segmentation.samples.profiles import DISPLAY_P3, rgb_profile
from tests.segmentation.samples.registry import FULL
from tests.segmentation.samples.rows import ROWS
from tests.segmentation.samples.scene import exif_block, saved, scene

MB = 1 << 20


def files() -> Iterator[tuple[str, bytes]]:
    yield from _png()
    yield from _png_numbers()
    yield from _jpeg()
    yield from _gif()
    yield from _webp()
    yield from _bmp()
    yield from _tiff()
    yield from _ico()
    yield from _pnm()


def _png() -> Iterator[tuple[str, bytes]]:
    zeros = zlib.compress(b"\0" * (200 * MB), 9)
    plain = pngs.png(scene(), 8, 2)
    head, tail = plain[:33], plain[33:]
    yield "png, 200 MB of text in 200 kB", head + pngs.chunk(b"zTXt", b"k\0\0" + zeros) + tail
    yield "png, the same behind its pixels", plain[:-12] + pngs.chunk(b"zTXt", b"k\0\0" + zeros) + plain[-12:]
    yield "png, international text", head + pngs.chunk(b"iTXt", b"k\0\1\0\0\0" + zeros) + tail
    yield (
        "png, thousand packed texts",
        head + pngs.chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * MB)) * 1000 + tail,
    )
    yield "png, 40 MB of plain text", head + pngs.chunk(b"tEXt", b"k\0" + b"a" * (40 * MB)) + tail
    yield "png, 200 MB of profile", head + pngs.chunk(b"iCCP", b"k\0\0" + zeros) + tail
    yield "png, a profile that is no zlib", head + pngs.chunk(b"iCCP", b"k\0\0junk") + tail
    yield "png, an empty profile", head + pngs.chunk(b"iCCP", b"") + tail
    yield "png, 20 MB of exif", head + pngs.chunk(b"eXIf", exif_block(6) + b"\0" * (20 * MB)) + tail
    yield "png, 200 MB of pixels for 37 × 23", head + pngs.chunk(b"IDAT", zeros) + plain[-12:]
    yield "png, five million empty chunks", head + pngs.chunk(b"IDAT", b"") * 5_000_000 + tail
    yield "png, a huge chunk length", head + struct.pack(">I4s", 2**31 - 1, b"IDAT") + tail[8:]
    yield "png, 4 GB chunk length", head + struct.pack(">I4s", 2**32 - 1, b"tEXt") + tail
    yield "png, a million frames", head + pngs.chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)) + tail
    palette = pngs.chunk(b"PLTE", b"\1\2\3" * 256)
    yield (
        "png, a palette of a megabyte",
        pngs.png(scene()[..., 0], 8, 3, before=pngs.chunk(b"PLTE", b"a" * (3 * MB))),
    )
    yield "png, no palette", pngs.png(scene()[..., 0], 8, 3)
    yield "png, three palettes", pngs.png(scene()[..., 0], 8, 3, before=palette * 3)
    yield "png, two headers", head + head[8:] + tail
    yield "png, no pixels", head + plain[-12:]
    yield "png, wrong checksum", head[:-1] + b"\0" + tail


def _png_numbers() -> Iterator[tuple[str, bytes]]:
    """Colours and orientation declared with impossible numbers."""
    plain = pngs.png(scene(), 8, 2)
    head, tail = plain[:33], plain[33:]
    for length in (0, 1, 4, 5, 32, 100_000):
        for kind in (b"cICP", b"gAMA", b"cHRM", b"sRGB"):
            yield f"png, {kind!r} of {length} ones", head + pngs.chunk(kind, b"\xff" * length) + tail
    gamma = pngs.chunk(b"gAMA", (45_455).to_bytes(4))
    random = np.random.default_rng(5)
    for number in range(10):
        places = struct.pack(">8I", *random.integers(0, 100_001, 8))
        yield f"png, any chromaticities {number}", head + gamma + pngs.chunk(b"cHRM", places) + tail
    same = struct.pack(">8I", *[33_333] * 8)
    yield "png, all chromaticities alike", head + gamma + pngs.chunk(b"cHRM", same) + tail
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 274, 4, 1, 8, 8)
    yield "png, exif whose second directory is its first", head + pngs.chunk(b"eXIf", block) + tail
    far = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIII", 65_535, 513, 4, 1, 2**32 - 1, 2**32 - 1)
    yield "png, exif that points far away", head + pngs.chunk(b"eXIf", far) + tail
    interlaced = pngs.png(scene(), 8, 2, interlace=True)
    yield "png, interlaced and too high", pngs.SIGNATURE + pngs.header(37, 5_000, 8, 2, 1) + interlaced[33:]


def _jpeg() -> Iterator[tuple[str, bytes]]:
    plain = saved(scene(), "JPEG", **FULL)
    progressive = saved(scene(1200, 900), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    yield "jpeg, five thousand scans", progressive[:-2] + progressive[last:-2] * 5_000 + b"\xff\xd9"
    yield "jpeg, a hundred thousand comments", jpegs.with_segments(plain, jpegs.segment(0xFE, b"x") * 100_000)
    yield (
        "jpeg, 30 MB of exif in pieces",
        jpegs.with_segments(plain, jpegs.segment(0xE1, b"Exif\0\0" + b"a" * 65_000) * 480),
    )
    yield "jpeg, comments between scans", plain[:-2] + jpegs.segment(0xFE, b"y") * 100_000 + b"\xff\xd9"
    yield (
        "jpeg, photoshop blocks",
        jpegs.with_segments(
            plain, jpegs.segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0" * 5_000) * 300
        ),
    )
    yield "jpeg, fill bytes", plain[:2] + b"\xff" * (20 * MB) + plain[2:]
    yield "jpeg, junk between segments", plain[:2] + b"\0" * (20 * MB) + plain[2:]
    yield "jpeg, 255 profile pieces", jpegs.with_segments(plain, *jpegs.icc_segments(b"p" * 255 * 60_000))
    yield (
        "jpeg, profile piece 0 of 0",
        jpegs.with_segments(plain, jpegs.segment(0xE2, b"ICC_PROFILE\0\0\0x" + b"y" * 200)),
    )
    yield "jpeg, restart interval 1", jpegs.with_segments(plain, b"\xff\xdd\0\4\0\1")
    yield "jpeg, a segment shorter than its length", plain[:2] + b"\xff\xe1\xff\xff" + plain[2:40]
    yield "jpeg, no tables", jpegs.without_segments(jpegs.without_segments(plain, 0xDB), 0xC4)
    yield "jpeg, two frames", jpegs.with_segments(plain, plain[plain.index(b"\xff\xc0") :][:19])
    yield "jpeg, 12 bits", plain.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c")
    yield "jpeg, lossless", plain.replace(b"\xff\xc0", b"\xff\xc3")
    yield "jpeg, end right after the frame", plain[: plain.index(b"\xff\xda")] + b"\xff\xd9"
    flat = saved(np.zeros((7000, 7000, 3), np.uint8), "JPEG", progressive=True, quality=10)
    yield (
        "jpeg, 49 megapixels and a hundred scans",
        flat[:-2] + flat[flat.rindex(b"\xff\xda") : -2] * 85 + b"\xff\xd9",
    )


def _gif() -> Iterator[tuple[str, bytes]]:
    plain = ROWS["gif"]().data
    at = plain.index(b"\x2c\0\0\0\0")
    comment = b"\x21\xfe" + b"\xff" + b"c" * 255
    yield (
        "gif, 40 MB of one comment",
        plain[:at] + b"\x21\xfe" + (b"\xff" + b"c" * 255) * 160_000 + b"\0" + plain[at:],
    )
    yield "gif, a hundred thousand comments", plain[:at] + (comment + b"\0") * 100_000 + plain[at:]
    yield (
        "gif, twenty million blocks of a byte",
        plain[:at] + b"\x21\xfe" + b"\1c" * 20_000_000 + b"\0" + plain[at:],
    )
    yield "gif, a comment without end", plain[:at] + comment
    yield "gif, a hundred thousand frames", plain[:at] + plain[at:-1] * 50_000 + b"\x3b"
    yield "gif, code size 255", plain[: at + 10] + b"\xff" + plain[at + 11 :]
    yield "gif, no pixels at all", plain[: at + 11] + b"\0\x3b"
    yield "gif, 49 megapixels of nothing", _gif_of(7000, 7000)


def _gif_of(width: int, height: int) -> bytes:
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0" + size + b"\0\2\2\x4c\1\0\x3b"


def _webp() -> Iterator[tuple[str, bytes]]:
    animated = ROWS["webp animated"]().data
    frame = animated.index(b"ANMF")
    length = 8 + int.from_bytes(animated[frame + 4 : frame + 8], "little")
    length += length % 2
    body = animated[12:] + animated[frame : frame + length] * 20_000
    yield "webp, twenty thousand frames", b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body
    plain = saved(
        scene(),
        "WEBP",
        exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0",
        icc_profile=rgb_profile(DISPLAY_P3, None),
    )
    junk = b"JUNK\4\0\0\0abcd" * 50_000
    yield (
        "webp, fifty thousand chunks",
        b"RIFF" + (len(plain) - 8 + len(junk)).to_bytes(4, "little") + plain[8:30] + junk + plain[30:],
    )
    yield "webp, chunk longer than the file", plain[:30] + b"ICCP\xff\xff\xff\xff" + plain[38:]
    yield "webp, the frame alone without its header", plain[:12] + plain[plain.index(b"VP8 ") :]
    yield "webp, two headers", plain[:30] + plain[12:]


def _bmp() -> Iterator[tuple[str, bytes]]:
    head = struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 0, 0, 0, 256, 0)
    top = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + head + b"\1\2\3\0" * 256
    yield "bmp, runs of one", top + b"\1\7" * (MB + MB // 2)
    yield "bmp, line ends only", top + b"\0\0" * 4000
    yield "bmp, jumps", top + b"\0\2\xff\xff" * 500_000
    yield "bmp, ends at once", top + b"\0\1"
    yield "bmp, 30 MB of runs", top + b"\1\7" * (15 * MB)
    plain = saved(scene(), "BMP")
    yield "bmp, pixels behind the end", plain[:10] + b"\xff\xff\xff\x7f" + plain[14:]
    yield (
        "bmp, four billion colours",
        plain[:28] + b"\x08\0" + plain[30:46] + b"\xff\xff\xff\xff" + plain[50:],
    )
    yield "bmp, a png inside", plain[:30] + b"\5\0\0\0" + plain[34:]
    yield "bmp, 3 bits a pixel", plain[:28] + b"\3\0" + plain[30:]
    yield "bmp, masks of nothing", plain[:28] + b"\x20\0\3\0\0\0" + plain[34:]


def _tiff() -> Iterator[tuple[str, bytes]]:
    def made(**tags: tuple[int, list[int]]) -> bytes:
        return tiffs.tiff(scene(), 8, 2, tags={int(tag[1:]): entry for tag, entry in tags.items()})

    loop = tiffs.tiff(scene(), 8, 2)
    (start,) = struct.unpack_from("<I", loop, 4)
    count = struct.unpack_from("<H", loop, start)[0]
    yield (
        "tiff, a directory after itself",
        loop[: start + 2 + 12 * count] + struct.pack("<I", start) + loop[start + 6 + 12 * count :],
    )
    yield "tiff, a next directory far away", tiffs.tiff(scene(), 8, 2, following=2**32 - 2)
    yield "tiff, a directory in its own header", b"II*\0\0\0\0\0" + loop[8:]
    yield "tiff, a directory behind the end", b"II*\0\xff\xff\xff\x7f" + loop[8:]
    yield (
        "tiff, 65535 entries",
        loop[:start] + b"\xff\xff" + loop[start + 2 :] + b"\1\1\4\0\1\0\0\0\5\0\0\0" * 65_535,
    )
    yield "tiff, children that are itself", made(t330=(4, [start]))
    yield (
        "tiff, a strip for each row and a million more",
        made(t273=(4, [8] * 1_000_000), t279=(4, [37 * 3] * 1_000_000), t278=(4, [1])),
    )
    yield "tiff, tiles of one pixel", tiffs.tiff(
        np.zeros((1000, 1000), np.uint8), 8, 1,
        tags={
            322: (3, [1]), 323: (3, [1]), 324: (4, [8] * 1_000_000), 325: (4, [1] * 1_000_000),
            273: (4, []), 279: (4, []),
        },
    )  # fmt: skip
    yield (
        "tiff, tiles of two billion",
        made(t322=(4, [2**31 - 1]), t323=(4, [2**31 - 1]), t324=(4, [8]), t325=(4, [99])),
    )
    yield "tiff, zero tiles", made(t322=(4, [0]), t323=(4, [0]), t324=(4, [8]), t325=(4, [99]))
    yield "tiff, zero rows a strip", made(t278=(4, [0]))
    yield "tiff, 65535 channels", made(t277=(3, [65_535]))
    yield "tiff, many depths", made(t258=(3, [8] * 65_000))
    yield "tiff, 64 bits", made(t258=(3, [64, 64, 64]))
    yield "tiff, no strips", made(t273=(4, []), t279=(4, []))
    yield "tiff, strips behind the end", made(t273=(4, [2**31]))
    yield "tiff, negative strip size", made(t279=(4, [2**32 - 1]))
    for compression in (
        0,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        32773,
        32946,
        34661,
        34712,
        34887,
        34925,
        50000,
        50001,
        50002,
        65535,
    ):
        yield f"tiff, raw bytes as compression {compression}", made(t259=(3, [compression]))
    yield "tiff, an empty profile", made(t34675=(7, [0]))
    yield "tiff, a profile of zeros", made(t34675=(7, [0] * 4000))
    yield "tiff, 12 MB of profile", made(t34675=(7, [1] * 12_000_000))
    deflated = zlib.compress(b"\0" * (200 * MB), 9)
    yield (
        "tiff, 200 MB in a strip for 37 × 23",
        tiffs.tiff(scene(), 8, 2, tags={259: (3, [8]), 279: (4, [len(deflated)])}, data=deflated),
    )


def _ico() -> Iterator[tuple[str, bytes]]:
    plain = ROWS["ico bitmap 32 bit"]().data
    entry = plain[6:22]
    yield "ico, 65,535 pictures", plain[:4] + b"\xff\xff" + entry * 65_535
    yield "ico, 256 pictures that are one", plain[:4] + b"\0\1" + entry * 256 + plain[22:]
    yield "ico, a picture behind the file's end", plain[:18] + b"\xff\xff\xff\x7f" + plain[22:]
    yield "ico, a picture of 4 GB", plain[:14] + b"\xff\xff\xff\xff" + plain[18:]
    yield "ico, a picture that is the icon itself", plain[:18] + bytes(4) + plain[22:]
    at = int.from_bytes(plain[18:22], "little")
    yield "ico, four billion colours", plain[: at + 14] + b"\x08\0" + plain[at + 16 : at + 32] + b"\xff" * 200
    for bits in (0, 2, 16, 64, 65_535):
        yield f"ico, {bits} bits", plain[: at + 14] + bits.to_bytes(2, "little") + plain[at + 16 :]
    zeros = zlib.compress(b"\0" * (200 * MB), 9)
    bomb = pngs.SIGNATURE + pngs.header(37, 23, 8, 2) + pngs.chunk(b"IDAT", zeros) + pngs.chunk(b"IEND", b"")
    yield "ico, a png of 200 MB for 37 × 23", plain[:14] + struct.pack("<II", len(bomb), 22) + bomb


def _pnm() -> Iterator[tuple[str, bytes]]:
    yield "pnm, 40 MB of comment", b"P6\n#" + b"c" * (40 * MB) + b"\n37 23 255\n"
    yield "pnm, a million comments", b"P3\n" + b"#\n" * 1_000_000 + b"37 23 255\n"
    yield "pnm, comments between its values", b"P2 37 23 255\n" + b"7 #\n" * 1_000_000
    yield "pnm, a comment without an end", b"P1 3000 3000\n1 0 #" + b"c" * (40 * MB)
    yield "pnm, one number of 40 MB", b"P2 3000 3000 255\n" + b"1" * (40 * MB)
    yield "pnm, digits without spaces", b"P1 6000 6000\n" + b"10" * (18 * MB)
    yield "pnm, nothing but spaces", b"P2 3000 3000 255\n" + b" " * (40 * MB)
    yield "pnm, a size of a thousand digits", b"P6 " + b"9" * 1000 + b" 1 255\n"
    yield "pnm, no levels", b"P6 3 2 0\n" + bytes(18)
    yield "pnm, too many levels", b"P6 3 2 65536\n" + bytes(36)
    yield "pnm, values above its levels", b"P2 2 1 15\n15 16\n"
    yield "pnm, negative values", b"P2 2 1 15\n-1 3\n"
    yield "pnm, points", b"P2 2 1 15\n1.5 3\n"
    yield "pnm, letters", b"P3 2 1 15\nabc def\n"
    yield "pnm, 49 megapixels in text", b"P1 7000 7000\n" + b"1" * 49_000_000
    yield "pnm, 49 megapixels without a value", b"P5 7000 7000 255\n"
