"""The array types of this package, and the conversion of a matte for the binary metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.uint8]  # H×W, 0..255
Unit = NDArray[np.float64]  # H×W, 0..1
Mask = NDArray[np.bool_]  # H×W

TINY = float(np.spacing(1))  # MATLAB's eps: the published code divides by "something + eps"


def stretched(matte: Matte) -> Unit:
    """Returns a matte, H×W uint8, as float64 stretched to 0..1 by its own minimum and maximum.

    The published code of all binary metrics does so, hence also the figures of every paper. A flat matte is
    not stretched.
    """
    unit: Unit = matte / 255
    low, high = float(unit.min()), float(unit.max())
    if low == high:
        return unit
    return (unit - low) / (high - low)


def as_mask(truth: Matte) -> Mask:
    """Returns a truth, H×W uint8, as a binary mask: true above 128, as in the published code."""
    mask: Mask = truth > 128
    return mask


def as_unit(matte: Matte) -> Unit:
    """Returns a matte, H×W uint8, as float64 0..1, not stretched: a soft matte is scored as a user would see
    it.
    """
    unit: Unit = matte / 255
    return unit
