"""The transition band: where a soft truth passes from nothing to all, and the error of a matte in it."""

from __future__ import annotations

import numpy as np

from segmentation.evaluation.arrays import Mask, Unit
from segmentation.evaluation.boundary import distance_to

LOW, HIGH = 0.02, 0.98
WIDENED = 10.0  # pixels


def transition_band(truth: Unit, widened: float = WIDENED) -> Mask:
    """Where the truth, H×W float64, lies strictly between .02 and .98, and what is within `widened` pixels
    of it.
    """
    between: Mask = (truth > LOW) & (truth < HIGH)
    if not between.any():
        return between
    band: Mask = distance_to(between) <= widened
    return band


def band_error(predicted: Unit, truth: Unit) -> float:
    """Mean absolute difference of two mattes, 0..1, in the transition band; NaN for a truth that has none."""
    band = transition_band(truth)
    if not band.any():
        return float("nan")
    return float(np.mean(np.abs(predicted - truth)[band]))
