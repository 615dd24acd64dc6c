"""The perceptual hash of a picture, and the small version that it is computed from."""

from __future__ import annotations

from typing import Final

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jobs.models.refused_picture import signed
from segmentation.pictures import DecodedPicture
from segmentation.shrink import halved

SIDE: Final = 512


def small(picture: DecodedPicture) -> NDArray[np.uint8]:
    """Returns the picture at most SIDE pixels a side, on white where it is transparent: h×w×3 uint8 sRGB."""
    rgb = _shrunk(picture.rgb, picture.half_size)
    if picture.alpha is None:
        return rgb
    cover = _shrunk(picture.alpha)[..., None].astype(np.uint16)
    return ((rgb * cover + 255 * (255 - cover) + 127) // 255).astype(np.uint8)


def phash(small: NDArray[np.uint8]) -> int:
    """Returns imagehash's phash of a small picture as a signed 64-bit number."""
    return signed(int(str(imagehash.phash(Image.fromarray(small))), 16))


def _shrunk(plane: NDArray[np.uint8], half: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Averages a plane down to SIDE. half: the plane at half size, if it is known already."""
    height, width = plane.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    if scale == 1:
        return plane
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    near, _ = halved(plane, size[1], size[0], half=half)
    return cv2.resize(near, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
