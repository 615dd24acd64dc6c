"""The result of a format's header reader: size, orientation, profile, and a clean file for the decoder.

The header readers parse with bounded work and never pass the whole untrusted file to a library: the decoder
gets only the parts that affect pixels. Text chunks, comments, thumbnails, later frames and appended files
never reach it, so they cannot cost time or memory.
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
PROFILE_TOO_LARGE = "The colour profile in the file is unusually large and was ignored."
HIGH_DYNAMIC_RANGE = "This is a high dynamic range picture: its brightness may look different here."
DAMAGED = "The file is damaged: a part of the picture may be missing or wrong. Compare it with the original."
PROFILE_BROKEN = "The colour profile in the file is damaged and was ignored: colours may differ a little."


@dataclass
class Probe:
    """A parsed header. width and height are as stored; `orientation` is EXIF's 1..8 for the decoded pixels.

    `load` decodes and returns a Pillow image of exactly width × height in any mode that pixels.py supports;
    it may raise any exception of the decoder. `load_reduced`, if the format supports it, decodes at a
    power-of-two fraction whose sides are still at least the given one. `load_rgb`, if there is a faster path
    without an image, returns height × width × 3 RGB as stored, the same pixels as `load`, or None for a file
    with a problem, which `load` then reports.

    density, texts: the format's own resolution and, by EXIF tag, authorship texts.
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
    load_reduced: Callable[[int], Image.Image] | None = None
    load_rgb: Callable[[], Pixels | None] | None = None
