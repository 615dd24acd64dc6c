"""Binary mattes: every pixel is either subject or background."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

# The same structuring element and filter as rembg's `post_process_mask`, so that its users get the same
# edges.
_CROSS: Final = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SIGMA: Final = 2.0
_WINDOW: Final = (17, 17)  # four standard deviations on each side
_THRESHOLD: Final = 127


def binary(alpha: Bytes) -> Bytes:
    """Returns the matte (H×W uint8) with values 0 and 255 only.

    A morphological opening removes specks and hairs narrower than three pixels, a Gaussian blur smooths the
    edge, and values from 127 upwards become subject.
    """
    opened = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, _CROSS)
    smooth = cv2.GaussianBlur(opened, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.threshold(smooth, _THRESHOLD - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)
