"""The transition band: where a soft truth changes from 0 to 1, and the error of a matte in it."""

from __future__ import annotations

import numpy as np

from segmentation.evaluation.arrays import Mask, Unit
from segmentation.evaluation.boundary import distance_to

LOW, HIGH = 0.02, 0.98
DILATION = 10.0  # pixels


def transition_band(truth: Unit, dilation: float = DILATION) -> Mask:
    """Returns where the truth, H×W float64, lies strictly between .02 and .98, dilated by `dilation`
    pixels."""
    between: Mask = (truth > LOW) & (truth < HIGH)
    if not between.any():
        return between
    band: Mask = distance_to(between) <= dilation
    return band


def band_error(predicted: Unit, truth: Unit) -> float:
    """Returns the mean absolute difference of two mattes, 0..1, in the transition band; NaN for a truth
    without one.
    """
    band = transition_band(truth)
    if not band.any():
        return float("nan")
    return float(np.mean(np.abs(predicted - truth)[band]))
