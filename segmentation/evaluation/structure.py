"""The S-measure: structural similarity of matte and truth. Fan et al., "Structure-measure", ICCV 2017."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.arrays import TINY, Mask, Unit


def s_measure(predicted: Unit, truth: Mask) -> float:
    """Returns the structure measure with α = 0.5, 0..1: half for subject and background apart, half for four
    regions.

    `predicted` is H×W float64 in 0..1, `truth` H×W bool. For a truth without a subject, or of subject only,
    it is how little, or how much, was found.
    """
    share = float(np.mean(truth))
    if share == 0:
        return 1.0 - float(np.mean(predicted))
    if share == 1:
        return float(np.mean(predicted))
    objects = share * _object_score(predicted[truth]) + (1 - share) * _object_score(1 - predicted[~truth])
    return max(0.0, 0.5 * objects + 0.5 * _regions(predicted, truth))


def _object_score(values: NDArray[np.float64]) -> float:
    """How close to 1, and how uniform, values are that should all be 1."""
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread + TINY)


def _regions(predicted: Unit, truth: Mask) -> float:
    """Structural similarity of the four quadrants around the subject's centre of mass, weighted by area."""
    height, width = truth.shape
    area = int(np.count_nonzero(truth))
    middle_y = np.dot(np.count_nonzero(truth, axis=1), np.arange(height)) / area
    middle_x = np.dot(np.count_nonzero(truth, axis=0), np.arange(width)) / area
    # One more, because the published MATLAB code counts from 1 and its ranges include their end.
    cut_y, cut_x = int(np.round(middle_y)) + 1, int(np.round(middle_x)) + 1
    total = 0.0
    for rows in (slice(0, cut_y), slice(cut_y, height)):
        for columns in (slice(0, cut_x), slice(cut_x, width)):
            part = truth[rows, columns]
            if part.size:
                total += part.size * _similarity(predicted[rows, columns], part)
    return total / truth.size


def _similarity(predicted: Unit, truth: Mask) -> float:
    """Structural similarity of one region, in the S-measure's form: without the constants of SSIM."""
    mean_x, mean_y = float(np.mean(predicted)), float(np.mean(truth))
    away_x, away_y = predicted - mean_x, truth - mean_y
    freedom = predicted.size - 1 + TINY
    variance_x = float(np.sum(away_x**2)) / freedom
    variance_y = float(np.sum(away_y**2)) / freedom
    covariance = float(np.sum(away_x * away_y)) / freedom
    over = 4 * mean_x * mean_y * covariance
    under = (mean_x**2 + mean_y**2) * (variance_x + variance_y)
    if over != 0:
        return over / (under + TINY)
    return 1.0 if under == 0 else 0.0
