"""The scene in every synthetic file: smooth (so that lossy codecs preserve it), and different under each of
eight orientations.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 37, 23


def scene(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """H×W×3 uint8: red increases to the right, green downwards, blue with both."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    right, down = x / max(1, width - 1), y / max(1, height - 1)
    red, green, blue = 20 + 200 * right, 30 + 190 * down, 60 + 60 * right + 90 * down
    return np.stack([red, green, blue], axis=-1).round().astype(np.uint8)


def muted() -> Pixels:
    """The scene without deep colours, for lossy files with a profile: a wide gamut's small steps grow large
    where sRGB clips.
    """
    return (scene() // 4 + 96).astype(np.uint8)


def grey(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """HxW uint8."""
    return scene(width, height)[..., 2]


def ramp(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """HxW uint8 alpha: 0 at the left, 255 at the right."""
    line = np.linspace(0, 255, width).round().astype(np.uint8)
    return np.tile(line, (height, 1))


def rgb_of(plane: Pixels) -> Pixels:
    """H×W to H×W×3, all channels equal."""
    return np.repeat(plane[..., None], 3, axis=2)


def stored_for(upright: npt.NDArray[np.generic], orientation: int) -> npt.NDArray[np.generic]:
    """Returns the pixels that a file with this EXIF orientation stores to show `upright`."""
    match orientation:
        case 1:
            return upright
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.swapaxes(0, 1)
        case 6:
            return np.rot90(upright)
        case 7:
            return upright[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(upright, -1)
    raise ValueError(orientation)


def exif_block(orientation: int) -> bytes:
    """Returns a TIFF structure with an orientation and a camera's name."""
    exif = Image.Exif()
    exif[274] = orientation
    exif[271] = "Maker"
    return exif.tobytes().removeprefix(b"Exif\x00\x00")


def saved(pixels: npt.NDArray[np.generic] | Image.Image, format: str, **options: object) -> bytes:
    """Returns the file as Pillow writes it."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.ascontiguousarray(pixels))
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()
