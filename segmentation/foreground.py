"""The subject's own colours: what a half-covered pixel would show without the background behind it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def estimate(rgb: Bytes, alpha: Bytes) -> Bytes:
    """Foreground colours for every pixel of a matte.

    `rgb`: H×W×3 uint8 sRGB, `alpha`: H×W uint8. Answers H×W×3 uint8, straight (not multiplied by alpha): the
    picture itself where alpha is 255 or 0 (the encoders black out what is not seen).
    """
    solid = (alpha > 242).astype(np.float32)
    small = cv2.resize(rgb, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(solid, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small * weight[..., None], (0, 0), 6) + 1e-3 * small
    near /= (cv2.GaussianBlur(weight, (0, 0), 6) + 1e-3)[..., None]
    spread = cv2.resize(near, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.where((alpha > 242)[..., None], rgb, np.clip(spread, 0, 255).astype(np.uint8))
