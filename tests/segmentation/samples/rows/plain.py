"""Rows of the table: ICO and PNM, whose pixels are written by hand here."""

from __future__ import annotations

import struct

import numpy as np

from tests.segmentation.samples import pngs
from tests.segmentation.samples.registry import ICO, PNM, Sample, add, levels, palette_image, rgba
from tests.segmentation.samples.scene import HEIGHT, WIDTH, Pixels, grey, ramp, rgb_of, scene

# --- PNM
SIZE = b"%d %d" % (WIDTH, HEIGHT)


def text(samples: np.ndarray) -> bytes:
    """Numbers with spaces and a comment."""
    rows = [b" ".join(b"%d" % number for number in row) for row in samples.reshape(HEIGHT, -1).tolist()]
    return b"\n# half of it\n".join([b"\n".join(rows[:9]), b"\n".join(rows[9:])]) + b"\n"


def bits() -> Pixels:
    """1 is black."""
    return (grey() < 128).astype(np.uint8)


def black_and_white() -> Pixels:
    return rgb_of((1 - bits()) * np.uint8(255))


add("pnm ppm raw", lambda: Sample(PNM, b"P6\n" + SIZE + b"\n255\n" + scene().tobytes(), scene()))
add("pnm ppm plain", lambda: Sample(PNM, b"P3\n# a comment\n" + SIZE + b"\n255\n" + text(scene()), scene()))
add("pnm pgm raw", lambda: Sample(PNM, b"P5 " + SIZE + b" 255\n" + grey().tobytes(), rgb_of(grey())))
add("pnm pgm plain", lambda: Sample(PNM, b"P2\n" + SIZE + b"\n255\n" + text(grey()), rgb_of(grey())))
add(
    "pnm pbm raw",
    lambda: Sample(PNM, b"P4\n" + SIZE + b"\n" + np.packbits(bits(), axis=1).tobytes(), black_and_white()),
)
add(
    "pnm pbm plain",
    # Digits need no space between them.
    lambda: Sample(PNM, b"P1\n" + SIZE + b"\n" + text(bits()).replace(b" ", b""), black_and_white()),
)
add("pnm pgm 16 bit", lambda: _pgm(65_535, 16))
add("pnm pgm of 12 bits", lambda: _pgm(4_095, 12))
add("pnm pgm of 4 bits", lambda: _pgm(15, 4))
add(
    "pnm ppm of several pictures",
    lambda: Sample(PNM, (b"P6 " + SIZE + b" 255\n" + scene().tobytes()) * 2, scene(), warnings=1),
)


def _pgm(most: int, depth: int) -> Sample:
    samples = levels(depth)
    data = samples.astype(">u2" if most > 255 else np.uint8).tobytes()
    shown = rgb_of((samples * 255 / most).round().astype(np.uint8))
    return Sample(PNM, b"P5\n" + SIZE + b"\n# levels\n%d\n" % most + data, shown)


# --- ICO
def icon(*pictures: tuple[int, int, int, bytes]) -> bytes:
    """Builds an icon from pictures given as width and height in the directory, bits, and bytes."""
    table, body = b"", b""
    for width, height, depth, data in pictures:
        start = 6 + 16 * len(pictures) + len(body)
        table += struct.pack("<BBBBHHII", width, height, 0, 0, 1, depth, len(data), start)
        body += data
    return struct.pack("<HHH", 0, 1, len(pictures)) + table + body


def bitmap(depth: int, rows: np.ndarray, hidden: np.ndarray | None, palette: bytes = b"") -> bytes:
    """A bitmap as in icons: colours from the bottom up, then the mask of hidden pixels."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8) if hidden is None else hidden.astype(np.uint8)
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, 2 * HEIGHT, 1, depth, 0, 0, 0, 0, len(palette) // 4, 0)
    return head + palette + padded(rows) + padded(np.packbits(mask, axis=1))


def padded(rows: np.ndarray) -> bytes:
    flat = rows[::-1].reshape(HEIGHT, -1)
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4))).astype(np.uint8).tobytes()


def _bgr() -> np.ndarray:
    return scene()[..., ::-1]


def _small() -> tuple[int, int, int, bytes]:
    return (16, 16, 32, pngs.png(np.zeros((16, 16, 3), np.uint8), 8, 2))


def _png_icon() -> Sample:
    whole = pngs.png(rgba(), 8, 6)
    return Sample(ICO, icon(_small(), (WIDTH, HEIGHT, 32, whole), _small()), scene(), ramp())


def _bitmap_32() -> Sample:
    samples = np.dstack([_bgr(), ramp()])
    return Sample(ICO, icon((WIDTH, HEIGHT, 32, bitmap(32, samples, None))), scene(), ramp())


def _bitmap_32_without_alpha() -> Sample:
    samples = np.dstack([_bgr(), np.zeros_like(grey())])
    hidden = ramp() < 100
    shown = np.where(hidden, 0, 255).astype(np.uint8)
    return Sample(ICO, icon((WIDTH, HEIGHT, 32, bitmap(32, samples, hidden))), scene(), shown)


def _bitmap_8() -> Sample:
    image, shown = palette_image()
    table = np.array(image.getpalette(), np.uint8).reshape(-1, 3)[:, ::-1]
    palette = np.pad(table, ((0, 0), (0, 1))).tobytes()
    return Sample(ICO, icon((WIDTH, HEIGHT, 8, bitmap(8, np.asarray(image), None, palette))), shown)


def _bitmap_4() -> Sample:
    indices = (grey() >> 4).astype(np.uint8)
    palette = np.stack([(np.arange(16) * k) % 256 for k in (37, 91, 153)], axis=1).astype(np.uint8)
    even = np.pad(indices, ((0, 0), (0, WIDTH % 2)))
    table = np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes()
    data = bitmap(4, even[:, ::2] << 4 | even[:, 1::2], None, table)
    return Sample(ICO, icon((WIDTH, HEIGHT, 4, data)), palette[indices])


def _bitmap_1() -> Sample:
    data = bitmap(1, np.packbits(1 - bits(), axis=1), None, b"\0\0\0\0\xff\xff\xff\0")
    return Sample(ICO, icon((WIDTH, HEIGHT, 1, data)), black_and_white())


def _bitmap_24() -> Sample:
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[2:5, 3:9] = True
    alpha = np.where(hidden, 0, 255).astype(np.uint8)
    return Sample(ICO, icon((WIDTH, HEIGHT, 24, bitmap(24, _bgr(), hidden))), scene(), alpha)


add("ico png", _png_icon)
add("ico bitmap 32 bit", _bitmap_32)
add("ico bitmap 32 bit, alpha unused", _bitmap_32_without_alpha)
add("ico bitmap 24 bit", _bitmap_24)
add("ico bitmap 8 bit", _bitmap_8)
add("ico bitmap 4 bit", _bitmap_4)
add("ico bitmap 1 bit", _bitmap_1)
