"""Headers that declare huge, zero or impossible sizes, in every format's own place for them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image

from tests.segmentation.samples import heifs, pngs, tiffs
from tests.segmentation.samples.registry import FULL
from tests.segmentation.samples.rows import ROWS
from tests.segmentation.samples.scene import saved, scene

SIZES = (
    (0, 0),
    (0, 5),
    (5, 0),
    (65_535, 65_535),
    (65_501, 1),
    (7_071, 7_071),
    (2**31 - 1, 2**31 - 1),
    (2**32 - 1, 1),
)


def files() -> Iterator[tuple[str, bytes]]:
    for width, height in SIZES:
        for name, data in _with_size(width, height):
            yield f"{name} of {width} × {height}", data


def put(data: bytes, at: int, form: str, *values: int) -> bytes:
    """Overwrites numbers at a position; values are truncated to the width of the form."""
    sizes = {"H": 2**16, "I": 2**32}
    kept = [value % sizes[letter] for value, letter in zip(values, form[1:], strict=True)]
    return data[:at] + struct.pack(form, *kept) + data[at + struct.calcsize(form) :]


def _with_size(width: int, height: int) -> Iterator[tuple[str, bytes]]:
    jpeg = saved(scene(), "JPEG", **FULL)
    frame = jpeg.index(b"\xff\xc0")
    yield "jpeg", put(jpeg, frame + 5, ">HH", height, width)
    progressive = saved(scene(), "JPEG", progressive=True)
    yield "progressive jpeg", put(progressive, progressive.index(b"\xff\xc2") + 5, ">HH", height, width)
    rows = pngs.png(scene(), 8, 2)[33:]
    yield "png", pngs.SIGNATURE + pngs.header(width % 2**32, height % 2**32, 8, 2) + rows
    yield "1-bit png", pngs.SIGNATURE + pngs.header(width % 2**32, height % 2**32, 1, 0, 1) + rows
    yield "16-bit png", pngs.SIGNATURE + pngs.header(width % 2**32, height % 2**32, 16, 6) + rows
    lossy = saved(scene(), "WEBP")
    yield "lossy webp", put(lossy, lossy.index(b"\x9d\x01\x2a") + 3, "<HH", width, height)
    lossless = saved(scene(), "WEBP", lossless=True)
    bits = (width - 1) & 0x3FFF | ((height - 1) & 0x3FFF) << 14
    yield "lossless webp", put(lossless, lossless.index(b"VP8L") + 9, "<I", bits)
    extended = ROWS["webp animated"]().data
    canvas = ((width - 1) % 2**24).to_bytes(3, "little") + ((height - 1) % 2**24).to_bytes(3, "little")
    yield "animated webp", extended[:24] + canvas + extended[30:]
    still = saved(scene(), "WEBP", exif=b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0\0\0\0\0")
    yield "extended webp", still[:24] + canvas + still[30:]
    gif = saved(Image.fromarray(scene()).quantize(16), "GIF")
    yield "gif screen", put(gif, 6, "<HH", width, height)
    place = gif.index(b"\x2c\0\0\0\0")
    yield "gif frame", put(gif, place + 5, "<HH", width, height)
    yield "gif frame's place", put(gif, place + 1, "<HH", width, height)
    bmp = saved(scene(), "BMP")
    yield "bmp", put(bmp, 18, "<II", width, height)
    yield "bmp upside down", put(bmp, 18, "<II", width, 2**32 - height)
    runs = ROWS["bmp run-length 8 bit"]().data
    yield "run-length bmp", put(runs, 18, "<II", width, height)
    for order in ("<", ">"):
        size = {256: (4, [width % 2**32]), 257: (4, [height % 2**32])}
        yield f"tiff {order}", tiffs.tiff(scene(), 8, 2, order=order, tags=size)
        yield f"bigtiff {order}", tiffs.tiff(scene(), 8, 2, order=order, big=True, tags=size)
    lzw = saved(scene(), "TIFF", compression="tiff_lzw")
    yield "lzw tiff", _tiff_sizes(lzw, width, height)
    for kind in range(1, 7):
        levels = b"" if kind in (1, 4) else b" 255"
        yield f"pnm {kind}", b"P%d %d %d%s\n" % (kind, width, height, levels) + b"1 " * 2000
    icon = ROWS["ico bitmap 32 bit"]().data
    at = int.from_bytes(icon[18:22], "little")
    yield "ico bitmap", put(icon, at + 4, "<II", width, 2 * height)
    yield "ico bitmap of 1 bit", put(put(icon, at + 4, "<II", width, 2 * height), at + 14, "<H", 1)
    inside = ROWS["ico png"]().data
    yield "ico png", put(inside, inside.index(b"IHDR") + 4, ">II", width, height)
    jp2 = saved(scene(), "JPEG2000")
    header, stream = jp2.index(b"ihdr") + 4, jp2.index(b"\xff\x4f\xff\x51")
    yield "jp2 header", put(jp2, header, ">II", height, width)
    yield "jp2 stream", put(jp2, stream + 8, ">II", width, height)
    yield "jp2 both", put(put(jp2, header, ">II", height, width), stream + 8, ">II", width, height)
    yield "jp2 tiles", put(jp2, stream + 24, ">II", width, height)
    yield (
        "jp2 both and tiles",
        put(
            put(put(jp2, header, ">II", height, width), stream + 8, ">II", width, height),
            stream + 24,
            ">II",
            width,
            height,
        ),
    )
    avif = saved(scene(), "AVIF")
    yield "avif", put(avif, avif.index(b"ispe") + 8, ">II", width, height)
    heic = heifs.heic([heifs.picture(scene())])
    yield "heic", put(heic, heic.index(b"ispe") + 8, ">II", width, height)
    grid = ROWS["heic grid"]().data
    yield "heic grid", put(grid, grid.rindex(b"ispe") + 8, ">II", width, height)
    yield "heic grid's data", put(grid, len(grid) - 4, ">HH", width, height)


def _tiff_sizes(data: bytes, width: int, height: int) -> bytes:
    (start,) = struct.unpack_from("<I", data, 4)
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12):
        tag = struct.unpack_from("<H", data, at)[0]
        if tag in (256, 257):
            value = width if tag == 256 else height
            data = data[:at] + struct.pack("<HHII", tag, 4, 1, value % 2**32) + data[at + 12 :]
    return data
