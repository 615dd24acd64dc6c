"""Rows of the table: orientation 1 to 8 in every format that stores it."""

from __future__ import annotations

import numpy as np

from tests.segmentation.samples import heifs, tiffs
from tests.segmentation.samples.registry import (
    AVIF,
    EVEN,
    FULL,
    HEIC,
    JP2,
    JPEG,
    PNG,
    TIFF,
    WEBP,
    Sample,
    add,
)
from tests.segmentation.samples.scene import Pixels, exif_block, saved, scene, stored_for


# --- orientation, in every format that stores it
def _oriented(orientation: int) -> Pixels:
    return np.ascontiguousarray(stored_for(scene(), orientation))


for turn in range(1, 9):
    add(
        f"jpeg orientation {turn}",
        lambda t=turn: Sample(
            JPEG, saved(_oriented(t), "JPEG", exif=b"Exif\0\0" + exif_block(t), **FULL), scene(), tolerance=3
        ),
    )
    add(
        f"png orientation {turn}",
        lambda t=turn: Sample(PNG, saved(_oriented(t), "PNG", exif=exif_block(t)), scene()),
    )
    add(
        f"webp orientation {turn}",
        lambda t=turn: Sample(WEBP, saved(_oriented(t), "WEBP", lossless=True, exif=exif_block(t)), scene()),
    )
    add(
        f"tiff orientation {turn}",
        lambda t=turn: Sample(TIFF, tiffs.tiff(_oriented(t), 8, 2, tags={274: (3, [t])}), scene()),
    )
    add(
        f"tiff lzw orientation {turn}",
        lambda t=turn: Sample(
            TIFF, saved(_oriented(t), "TIFF", compression="tiff_lzw", tiffinfo={274: t}), scene()
        ),
    )
    add(
        f"avif orientation {turn}",
        lambda t=turn: Sample(
            AVIF, saved(_oriented(t), "AVIF", **EVEN, exif=exif_block(t)), scene(), tolerance=3
        ),
    )
    add(f"heic orientation {turn}", lambda t=turn: _heic_oriented(t))
    add(f"jp2 orientation {turn}", lambda t=turn: _jp2_oriented(t))


def _heic_oriented(orientation: int) -> Sample:
    """Counter-clockwise quarter turns, then a mirror (axis 0 swaps top and bottom)."""
    quarters, mirror = {
        1: (0, None),
        2: (0, 1),
        3: (2, None),
        4: (0, 0),
        5: (1, 0),
        6: (3, None),
        7: (1, 1),
        8: (1, None),
    }[orientation]
    item = heifs.picture(_oriented(orientation))
    if quarters:
        item.properties.append(heifs.box(b"irot", bytes([quarters])))
    if mirror is not None:
        item.properties.append(heifs.box(b"imir", bytes([mirror])))
    # Its EXIF declares the same, and must not rotate it a second time.
    block = heifs.Item(b"Exif", b"\0\0\0\0" + exif_block(orientation), [], [(b"cdsc", [1])])
    return Sample(HEIC, heifs.heic([item, block]), scene())


def _jp2_oriented(orientation: int) -> Sample:
    uuid = heifs.box(b"uuid", b"JpgTiffExif->JP2", exif_block(orientation))
    return Sample(JP2, saved(_oriented(orientation), "JPEG2000") + uuid, scene())
