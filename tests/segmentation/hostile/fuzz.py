"""Real files with flipped bits, overwritten runs, moved pieces, and truncated ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.segmentation.samples.rows import ROWS

SEEDS = (
    "jpeg rgb baseline",
    "jpeg rgb progressive",
    "jpeg cmyk adobe inverted profile",
    "jpeg mpo",
    "jpeg orientation 6",
    "png rgba 16 bit interlaced",
    "png palette 4 bit",
    "png animated",
    "png profile p3",
    "webp lossy alpha",
    "webp lossless",
    "webp animated",
    "gif animated",
    "gif with a frame smaller than its screen",
    "bmp palette 8 bit",
    "bmp run-length 8 bit",
    "bmp rgba 32 bit",
    "tiff rgb tiff_lzw",
    "tiff cmyk tiff_adobe_deflate",
    "tiff jpeg",
    "tiff rgba 16 bit big endian bigtiff",
    "tiff tiled",
    "jp2 rgba",
    "jp2 tiled",
    "jp2 code stream alone",
    "avif alpha",
    "avif animated",
    "avif orientation 6",
    "heic alpha",
    "heic grid",
    "heic orientation 5",
    "ico png",
    "ico bitmap 32 bit",
    "ico bitmap 8 bit",
    "pnm ppm raw",
    "pnm ppm plain",
    "pnm pgm 16 bit",
    "pnm pbm plain",
)
ROUNDS = 8


def files() -> Iterator[tuple[str, bytes]]:
    for index, name in enumerate(SEEDS):
        original = ROWS[name]().data
        for number in range(ROUNDS):
            yield (
                f"{name}, fuzzed {number}",
                damaged(original, np.random.default_rng([index, number]), number),
            )


def cut_files() -> Iterator[tuple[str, bytes]]:
    for name in SEEDS:
        original = ROWS[name]().data
        for share in (0.02, 0.1, 0.3, 0.6, 0.9, 0.99):
            yield f"{name}, cut at {share}", original[: max(1, int(len(original) * share))]


def damaged(original: bytes, random: np.random.Generator, way: int) -> bytes:
    """Damages a file in one of eight ways; the first four affect only its head, which holds the numbers."""
    data = np.frombuffer(original, np.uint8).copy()
    reach = min(len(data), 512) if way < 4 else len(data)
    places = random.integers(4, reach, 1 + way * 3)
    match way % 4:
        case 0:
            data[places] ^= (1 << random.integers(0, 8, len(places))).astype(np.uint8)
        case 1:
            data[places] = random.integers(0, 256, len(places))
        case 2:
            data[places] = random.choice([0, 1, 0x7F, 0x80, 0xFF], len(places))
        case 3:
            start, length = int(places[0]), int(random.integers(2, 64))
            piece = data[start : start + length].copy()
            target = int(random.integers(4, len(data)))
            data = np.concatenate([data[:target], piece, data[target:]])
    return data.tobytes()
