"""What a format's own header reader hands on: size, orientation, profile, and a clean file for the decoder.

The header readers parse with bounded work and never hand the whole untrusted file to a library: the
decoder gets only the parts that decide pixels. Text chunks, comments, thumbnails, later frames and appended
files never reach it, so whatever they hide cannot cost time or memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from segmentation.pictures.density import Density
from segmentation.pictures.types import Pixels

# CMYK profiles of print shops have up to about 3 MB.
MAX_PROFILE_BYTES = 8 << 20

SEVERAL_FRAMES = "The file holds several pictures or frames; only the first is used."
PROFILE_TOO_LARGE = "The colour profile in the file is unusually large and was left aside."
HIGH_DYNAMIC_RANGE = "This is a high dynamic range picture: its brightness may look different here."
DAMAGED = "The file is damaged: a part of the picture may be missing or wrong. Compare it with the original."
PROFILE_BROKEN = "The colour profile in the file is damaged and was left aside: colours may differ a little."


@dataclass
class Probe:
    """A header, read. width and height are as stored; `orientation` is EXIF's 1..8 for the decoded pixels.

    `load` decodes and returns a Pillow image of exactly width × height in any mode that pixels.py knows; it
    may raise whatever the decoder raises. `reduced`, where the format can do it, decodes at a power-of-two
    fraction whose sides are still at least the given one. `straight`, where there is a faster way than by an
    image, gives height × width × 3 RGB as stored, the same as `load` would, or None for a file that is not
    quite in order: `load` then says what it is.

    density, texts: what the format itself says of its resolution and, by EXIF's tags, of its makers.
    """

    format: str
    width: int
    height: int
    load: Callable[[], Image.Image]
    orientation: int = 1
    profile: bytes | None = None
    exif: bytes | None = None
    density: Density | None = None
    texts: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    reduced: Callable[[int], Image.Image] | None = None
    straight: Callable[[], Pixels | None] | None = None
