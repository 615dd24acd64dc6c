"""JPEG kinds that Pillow does not write itself: YCCK, plain CMYK, MPO, inserted or removed segments."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .scene import Pixels, saved


def segment(code: int, content: bytes) -> bytes:
    return b"\xff" + bytes([code]) + (len(content) + 2).to_bytes(2) + content


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Returns the file with segments inserted right after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def without_segments(jpeg: bytes, code: int) -> bytes:
    """Returns the file without the segments of one marker before its first scan."""
    kept, position = [jpeg[:2]], 2
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4])
        if jpeg[position + 1] != code:
            kept.append(jpeg[position:end])
        position = end
    return b"".join([*kept, jpeg[position:]])


def icc_segments(profile: bytes, size: int = 60_000) -> list[bytes]:
    parts = [profile[i : i + size] for i in range(0, len(profile), size)]
    return [
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part)
        for number, part in enumerate(parts, 1)
    ]


def cmyk(inks: Pixels, **options: object) -> bytes:
    """Adobe's CMYK as Photoshop writes it: inverted, with the Adobe marker (transform 0)."""
    return saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100, subsampling=0, **options)


def ycck(inks: Pixels) -> bytes:
    """Adobe's YCCK: the inverted CMY as YCbCr, K beside it, and transform 2 in the Adobe marker.

    The planes of a plain CMYK file are filled with YCCK values, and its marker is changed. The conversion
    takes C, M and Y as the distance to white, so the luma of inverted inks is that of the inks themselves.
    """
    red, green, blue, black = (inks[..., i].astype(float) for i in range(4))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma), 255 - black]
    values = np.clip(np.stack(planes, axis=-1).round(), 0, 255).astype(np.uint8)
    file = cmyk(255 - values)
    mark = file.index(b"Adobe") + 11
    if file[mark] != 0:
        raise ValueError("the encoder wrote another transform")
    return file[:mark] + b"\x02" + file[mark + 1 :]


def mpo(first: Pixels, second: Pixels) -> bytes:
    """Returns two pictures in one file (CIPA DC-007)."""
    return saved(
        Image.fromarray(first),
        "MPO",
        save_all=True,
        append_images=[Image.fromarray(second)],
        quality=100,
        subsampling=0,
    )
