"""GIF89a blocks, and a copy with only the first frame: no comments, no later frames."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import GifImagePlugin, Image

from segmentation.errors import PictureError
from segmentation.pictures import refusals
from segmentation.pictures.probe import SEVERAL_FRAMES, Probe
from segmentation.pictures.source import Source

LABEL = "GIF"
# Encoders fill sub-blocks to 255 bytes; the largest accepted file has some 263,000 of them.
MAX_SUB_BLOCKS = 1_000_000


@dataclass
class _Frame:
    left: int
    top: int
    width: int
    height: int
    control: bytes
    block: bytes
    more: bool


def accepts(head: bytes) -> bool:
    return head.startswith((b"GIF87a", b"GIF89a"))


def probe(source: Source) -> Probe:
    """Reads blocks up to the second frame. Raises PictureError if they are not a readable GIF."""
    data = source.read_all()
    if len(data) < 13:
        raise refusals.truncated_picture(LABEL)
    screen_width, screen_height, flags = struct.unpack_from("<HHB", data, 6)
    start = 13 + _table_size(flags)
    frame = _first_frame(data, start)
    # A frame that extends beyond the screen enlarges it, as in every viewer.
    width = max(screen_width, frame.left + frame.width)
    height = max(screen_height, frame.top + frame.height)

    def load() -> Image.Image:
        head = data[:6] + struct.pack("<HH", width, height) + data[10:start]
        image = GifImagePlugin.GifImageFile(io.BytesIO(head + frame.control + frame.block + b"\x3b"))
        image.load()
        return _outside_transparent(image, frame)

    return Probe(
        format="gif",
        width=width,
        height=height,
        load=load,
        warnings=[SEVERAL_FRAMES] if frame.more else [],
    )


def _table_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _first_frame(data: bytes, position: int) -> _Frame:
    control = b""
    frame: _Frame | None = None
    budget = [MAX_SUB_BLOCKS]
    while position < len(data):
        kind = data[position]
        if kind == 0x3B:
            break
        if kind == 0x2C:
            if frame is not None:
                frame.more = True
                break
            header = data[position : position + 10]
            if len(header) < 10:
                raise refusals.truncated_picture(LABEL)
            left, top, width, height, flags = struct.unpack("<HHHHB", header[1:])
            if not width or not height:
                raise refusals.broken_picture(LABEL)
            end, ended = _end_of_pixels(data, position + 11 + _table_size(flags), budget)
            block = data[position:end] + (b"" if ended else b"\x00")
            frame = _Frame(left, top, width, height, control, block, more=False)
            position = end
        elif kind == 0x21:
            if frame is not None and len(data) - position < 3:
                break
            try:
                end = _after_sub_blocks(data, position + 2, budget)
            except PictureError:
                # Data after the first frame is not used, so it may be truncated.
                if frame is not None:
                    break
                raise
            if data[position + 1] == 0xF9 and end - position == 8:
                control = data[position:end]
            position = end
        elif frame is not None:
            break
        else:
            raise refusals.broken_picture(LABEL)
    if frame is None:
        raise refusals.truncated_picture(LABEL)
    return frame


def _end_of_pixels(data: bytes, position: int, budget: list[int]) -> tuple[int, bool]:
    """Returns the end of a frame's chain of sub-blocks, and whether it has its terminator. A file that lacks
    only the terminator has all pixels; otherwise the decoder reports what is missing.
    """
    while budget[0] and position < len(data) and data[position]:
        budget[0] -= 1
        if position + 1 + data[position] > len(data):
            raise refusals.truncated_picture(LABEL)
        position += 1 + data[position]
    if not budget[0]:
        raise refusals.too_complex(LABEL, "it is cut into a million little blocks")
    return (position + 1, True) if position < len(data) else (len(data), False)


def _after_sub_blocks(data: bytes, position: int, budget: list[int]) -> int:
    """Returns the end of a chain of sub-blocks, including its terminator."""
    while budget[0]:
        budget[0] -= 1
        if position >= len(data):
            raise refusals.truncated_picture(LABEL)
        size = data[position]
        position += 1 + size
        if not size:
            return position
    raise refusals.too_complex(LABEL, "it is cut into a million little blocks")


def _outside_transparent(image: Image.Image, frame: _Frame) -> Image.Image:
    """Makes the canvas around a smaller frame transparent, as browsers do."""
    if (frame.left, frame.top, frame.width, frame.height) == (0, 0, *image.size):
        return image
    image = image.convert("RGBA")
    inside = np.zeros((image.height, image.width), bool)
    inside[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = True
    alpha = np.where(inside, np.asarray(image.getchannel("A")), np.uint8(0))
    image.putalpha(Image.fromarray(alpha))
    return image
