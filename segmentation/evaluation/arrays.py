"""The array types of this package, and the one way in which a matte becomes what the binary metrics judge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.uint8]  # H×W, 0..255
Unit = NDArray[np.float64]  # H×W, 0..1
Mask = NDArray[np.bool_]  # H×W

TINY = float(np.spacing(1))  # MATLAB's eps: the published code divides by "something + eps"


def stretched(matte: Matte) -> Unit:
    """A matte, H×W uint8, as float64 stretched to fill 0..1 by its own minimum and maximum.

    The published code of all binary metrics does so, hence also the figures of every paper; a flat matte
    stays as it is.
    """
    unit: Unit = matte / 255
    low, high = float(unit.min()), float(unit.max())
    if low == high:
        return unit
    return (unit - low) / (high - low)


def as_mask(truth: Matte) -> Mask:
    """A truth, H×W uint8, as yes or no: yes above 128, as in the published code."""
    mask: Mask = truth > 128
    return mask


def as_unit(matte: Matte) -> Unit:
    """A matte, H×W uint8, as float64 0..1, not stretched: a soft matte is judged as a person would use it."""
    unit: Unit = matte / 255
    return unit
