"""Shadows of the subject: a drop shadow of its own shape, or a contact shadow under its foot."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.canvas import subject_box
from segmentation.layers import paste
from segmentation.recipe import Shadow
from segmentation.result_size import Box

Bytes = NDArray[np.uint8]

_BLUR_AT = 6.0  # pixels of sigma: a wider blur runs on a downscaled plane
_FOOT = 0.06  # of the subject's height: the part that touches the ground
_POOL = 0.05  # of the subject's width: the depth of the contact shadow


def cast(shadow: Shadow, alpha: Bytes) -> Bytes:
    """Returns the shadow's alpha, H×W uint8, from the subject's alpha on the canvas (H×W uint8)."""
    box = subject_box(alpha)
    longer = max(box[2] - box[0], box[3] - box[1])
    sigma = shadow.blur.pixels(longer)
    right, down = (round(part.pixels(longer)) for part in shadow.offset)
    shape = alpha if shadow.kind == "drop" else _pool(alpha, box)
    moved = np.zeros_like(alpha)
    paste(_soft(shape, sigma), moved, (right, down))
    strength = shadow.opacity / 100 * shadow.colour.alpha / 255
    return cv2.convertScaleAbs(moved, alpha=strength).astype(np.uint8, copy=False)


def _pool(alpha: Bytes, box: Box) -> Bytes:
    """Returns the contact shadow's shape: as wide as the part that touches the ground, and thin, around the
    lowest row.
    """
    left, top, right, bottom = box
    foot = max(1, round((bottom - top) * _FOOT))
    deep = max(1, round((right - left) * _POOL))
    touch = alpha[bottom - foot : bottom, left:right].max(axis=0)
    flat = np.zeros_like(alpha)
    paste(np.repeat(touch[None, :], deep, axis=0), flat, (left, bottom - (deep + 1) // 2))
    return flat


def _soft(plane: Bytes, sigma: float) -> Bytes:
    """Blurs the plane by `sigma` pixels, zero-padded beyond its edges."""
    if sigma < 0.1:
        return plane
    height, width = plane.shape
    shrink = min(1.0, _BLUR_AT / sigma)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = plane if shrink == 1 else cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma * shrink, borderType=cv2.BORDER_CONSTANT)
    if shrink < 1:
        small = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, np.uint8)
