"""Metrics of a matte against a real alpha: Rhemann et al., "A perceptually motivated online benchmark for
image matting", CVPR 2009.

All take `predicted` and `truth`, H×W float64 in 0..1, over the whole picture (the benchmark restricts them to
a trimap; a user's picture has none), in the published units: SAD, Grad and Conn in thousands.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.arrays import Mask, Unit

GRADIENT_SIGMA = 1.4  # pixels
CONNECTIVITY_STEP = 0.1
CONNECTIVITY_SLACK = 0.15  # a pixel at most this far above its connected level counts as connected


def sum_absolute_difference(predicted: Unit, truth: Unit) -> float:
    """SAD: the sum of absolute differences, in thousands."""
    return float(np.sum(np.abs(predicted - truth))) / 1000


def mean_squared_error(predicted: Unit, truth: Unit) -> float:
    """MSE: the mean squared difference, 0..1."""
    return float(np.mean((predicted - truth) ** 2))


def gradient_error(predicted: Unit, truth: Unit) -> float:
    """Grad: summed squared difference of gradient magnitudes, in thousands.

    Gradients are first derivatives of a Gaussian of σ = 1.4; the filters have unit L2 norm, as in the code
    behind the published figures.
    """
    return float(np.sum((_gradient(predicted) - _gradient(truth)) ** 2)) / 1000


def _gradient(alpha: Unit) -> Unit:
    """Magnitude of the Gaussian gradient, border pixels repeated."""
    # Four pixels each way: beyond them the Gaussian of σ 1.4 is under a hundredth.
    offset = np.arange(-4, 5, dtype=np.float64)
    bell = np.exp(-(offset**2) / (2 * GRADIENT_SIGMA**2))
    slope = -offset * bell
    bell /= np.linalg.norm(bell)
    slope /= np.linalg.norm(slope)
    across = cv2.sepFilter2D(alpha, cv2.CV_64F, slope, bell, borderType=cv2.BORDER_REPLICATE)
    down = cv2.sepFilter2D(alpha, cv2.CV_64F, bell, slope, borderType=cv2.BORDER_REPLICATE)
    magnitude: Unit = np.hypot(across, down)
    return magnitude


def connectivity_error(predicted: Unit, truth: Unit) -> float:
    """Conn: summed difference of how connected each pixel is to the subject, in thousands.

    The source region is the largest 4-connected part that is opaque in both. A pixel's level is the highest
    threshold (steps of 0.1) at which it is still connected to the largest part of what both have above it. A
    pixel more than 0.15 above its level counts as unconnected by that much. The weights λ of the paper are 1,
    as in the code behind the published figures (Xu et al., "Deep image matting", CVPR 2017).
    """
    level = np.ones_like(truth)
    undecided = np.ones(truth.shape, dtype=np.bool_)
    both = np.minimum(predicted, truth)
    steps = round(1 / CONNECTIVITY_STEP)
    for step in range(1, steps + 1):
        lost = undecided & ~_largest_part(both >= step / steps)
        level[lost] = (step - 1) / steps
        undecided &= ~lost
    difference = np.abs(_connected(predicted, level) - _connected(truth, level))
    return float(np.sum(difference)) / 1000


def _connected(alpha: Unit, level: Unit) -> Unit:
    """The paper's φ: 1 minus the amount clearly above the connected level."""
    above = alpha - level
    connected: NDArray[np.float64] = 1 - above * (above >= CONNECTIVITY_SLACK)
    return connected


def _largest_part(mask: Mask) -> Mask:
    """Returns the largest 4-connected part of a mask; empty for an empty mask."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 1:
        return np.zeros_like(mask)
    part: Mask = labels == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    return part
