"""Per-pixel metrics of a matte against a binary truth: precision and recall, F, MAE, weighted F.

All take `predicted`, H×W float64 in 0..1 (see `arrays.stretched`), and `truth`, H×W bool, of one shape.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from segmentation.evaluation.arrays import TINY, Mask, Unit

BETA_SQUARED = 0.3  # Achanta et al. 2009: weights precision more; every paper on salient objects uses it


class PrecisionRecall(NamedTuple):
    """Precision and recall at the 256 thresholds 255, 254 … 0 of 255; each float64 of length 256, 0..1."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def precision_recall(predicted: Unit, truth: Mask) -> PrecisionRecall:
    """Returns precision and recall of the pixels at or above each of 256 thresholds, the highest first.

    Achanta et al., "Frequency-tuned salient region detection", CVPR 2009. Precision is 0 if nothing is found.
    """
    level = (predicted * 255).astype(np.uint8)
    counts = np.bincount(level.ravel() + np.uint16(256) * truth.ravel(), minlength=512).reshape(2, 256)
    above = np.cumsum(counts[:, ::-1], axis=1)
    hits = above[1]
    return PrecisionRecall(
        precision=hits / np.maximum(above[0] + above[1], 1),
        recall=hits / max(int(hits[-1]), 1),
    )


def f_curve(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns Fβ with β² = 0.3 for each pair of precision and recall, 0 if both are 0 (Achanta et al.
    2009)."""
    over = (1 + BETA_SQUARED) * precision * recall
    under = np.where(over == 0, 1, BETA_SQUARED * precision + recall)
    curve: NDArray[np.float64] = over / under
    return curve


def mean_absolute_error(predicted: Unit, truth: Mask) -> float:
    """Returns the mean absolute difference, 0..1 (Perazzi et al., "Saliency filters", CVPR 2012)."""
    return float(np.mean(np.abs(predicted - truth)))


def intersection_over_union(predicted: Unit, truth: Unit) -> float:
    """Returns intersection over union of the two, both thresholded at one half; 1 if both are empty."""
    found, wanted = predicted >= 0.5, truth >= 0.5
    joint = int(np.count_nonzero(found | wanted))
    return int(np.count_nonzero(found & wanted)) / joint if joint else 1.0


def weighted_f(predicted: Unit, truth: Mask) -> float:
    """Returns the weighted Fβ with β = 1, 0..1 (Margolin et al., "How to evaluate foreground maps?", CVPR
    2014).

    An error inside the subject is smoothed by its neighbours; one outside weighs more, up to twice, the
    farther it lies from the subject. 0 for a truth without a subject, as in the published code.
    """
    if not truth.any():
        return 0.0
    outside = ~truth
    distance, nearest = distance_transform_edt(outside, return_indices=True)
    error = np.abs(predicted - truth)
    # Outside, use the error of the nearest subject pixel, so that the blur below does not leak over the edge.
    dependent = error[nearest[0], nearest[1]]
    offset = np.arange(-3, 4, dtype=np.float64)
    bell = np.exp(-(offset**2) / (2 * 5.0**2))
    bell /= bell.sum()
    blurred = cv2.sepFilter2D(dependent, cv2.CV_64F, bell, bell, borderType=cv2.BORDER_CONSTANT)
    softened = np.where(truth, np.minimum(error, blurred), error)
    importance = np.where(truth, 1.0, 2.0 - np.exp(np.log(0.5) / 5.0 * distance))
    weighted = softened * importance
    missed = float(weighted[truth].sum())
    area = int(np.count_nonzero(truth))
    hits = area - missed
    precision = hits / (hits + float(weighted[outside].sum()) + TINY)
    recall = 1.0 - missed / area
    return 2.0 * recall * precision / (recall + precision + TINY)
