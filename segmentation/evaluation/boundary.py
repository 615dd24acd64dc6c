"""The relaxed boundary F-measure as in the U²-Net paper: how well the edge is localised."""

from __future__ import annotations

import cv2
import numpy as np

from segmentation.evaluation.arrays import Mask, Unit
from segmentation.evaluation.binary import BETA_SQUARED

SLACK = 3.0  # pixels; Qin et al. 2019 and 2020


def relaxed_boundary_f(predicted: Unit, truth: Mask, slack: float = SLACK) -> float:
    """Returns F with β² = 0.3 over edge pixels that have an edge pixel of the other within `slack` pixels
    (Euclidean), 0..1.

    Ehrig and Euzenat, "Relaxed precision and recall for ontology matching", 2005, as used by Qin et al.,
    "BASNet", CVPR 2019, and "U²-Net", Pattern Recognition 2020: the prediction is thresholded at one half; an
    edge is what a one-pixel erosion removes. `predicted` is H×W float64 in 0..1, `truth` H×W bool. The
    picture's own border is not an edge. Two pictures without any edge agree (1); one with and one without do
    not (0).
    """
    found, wanted = edge(predicted >= 0.5), edge(truth)
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    precision = float(np.mean(distance_to(wanted)[found] <= slack))
    recall = float(np.mean(distance_to(found)[wanted] <= slack))
    under = BETA_SQUARED * precision + recall
    return (1 + BETA_SQUARED) * precision * recall / under if under else 0.0


def edge(mask: Mask) -> Mask:
    """Returns the one-pixel wide inner edge of a mask, H×W bool: the pixels that a 3×3 erosion removes."""
    inner = cv2.erode(
        mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1
    )
    rim: Mask = mask & (inner == 0)
    return rim


def distance_to(mask: Mask) -> Unit:
    """Returns each pixel's Euclidean distance, in pixels, to the nearest pixel of the mask, which must not be
    empty.
    """
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance.astype(np.float64)
