"""Estimates the confidence of a matte from the network's map, and warns about pictures that give poor
mattes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.shrink import halved

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

# The raw map's maximum stays below .06 on grey, gradients and noise; on the benchmark's pictures it is .99
# and up.
MIN_PEAK = 0.3
MIN_AREA = 0.0005  # share of the map: a smaller area is no subject (fifty of 320×320 pixels)
LOW_CONFIDENCE = 0.6  # below this confidence a person should check the result

MIN_SIDE = 160  # pixels: with a shorter side than this there are no edges to follow
_SHARPNESS_SIDE = 512  # pixels on the longer side, for the sharpness measure
_BLURRED = 3.0  # of 255: fainter edges are out of focus


@dataclass(frozen=True, slots=True)
class Assessment:
    """`confidence`: 0..1. `subject`: whether there is a subject. `warnings`: sentences for a person."""

    confidence: float
    subject: bool
    warnings: tuple[str, ...] = ()


def assess(coarse: Floats) -> Assessment:
    """Assesses a map (h×w float32 in 0..1, stretched).

    The confidence is the expected overlap with the ground truth (intersection over union) if the map's values
    are probabilities. It is lowered when the subject is in several pieces or lies along the picture's border,
    and squared, because the network is overconfident.
    """
    sure = coarse > 0.5
    area = float(np.count_nonzero(sure))
    if area < max(1.0, MIN_AREA * coarse.size):
        return Assessment(0.0, False, ("No subject stands out in this picture.",))
    hit = float(coarse[sure].sum())
    missed = float(coarse.sum()) - hit
    overlap = hit / (area + missed)
    largest = _largest_part(sure) / area
    along = _share_of_border(sure)
    confidence = (overlap * (0.7 + 0.3 * largest) * (1 - 0.3 * max(0.0, along - 0.25))) ** 2
    warnings = []
    if overlap**2 < LOW_CONFIDENCE:
        warnings.append("The subject is not clear in this picture: look at the result before you use it.")
    if largest < LOW_CONFIDENCE:
        warnings.append("Several separate things were taken as the subject.")
    if along > 0.5:
        warnings.append("The subject reaches most of the picture's border: parts of it may be background.")
    return Assessment(min(1.0, max(0.0, confidence)), True, tuple(warnings))


def picture_warnings(rgb: Bytes, half_size: Bytes | None = None) -> tuple[str, ...]:
    """Returns warnings about a picture (H×W×3 uint8) that is likely to give a poor matte: too small, or
    blurred. half_size: the picture at half size (shrink.half_of), if already computed.
    """
    height, width = rgb.shape[:2]
    warnings = []
    if min(height, width) < MIN_SIDE:
        warnings.append(f"The picture is small ({width}×{height} pixels): edges will be rough.")
    if sharpness(rgb if half_size is None else half_size) < _BLURRED:
        warnings.append("The picture is blurred: edges will be soft. A sharper photo gives a better result.")
    return tuple(warnings)


def sharpness(rgb: Bytes) -> float:
    """Returns the contrast of the picture's sharpest edges: the 99.5th percentile of the second derivative,
    0..255.

    Measured on the grey picture, downscaled to at most 512 pixels, so that the grain of large photos does not
    count as detail.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _SHARPNESS_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    if scale < 1:
        # Halving takes next to no time; the remaining factor is below 2, so bilinear sampling suffices.
        small = halved(grey, size[1], size[0], least=1)[0]
        grey = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    bends = np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=1))
    return float(min(255.0, np.percentile(bends, 99.5) / 4))


def _largest_part(sure: NDArray[np.bool_]) -> float:
    """Returns the pixel count of the largest connected component."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(sure.astype(np.uint8))
    return float(stats[1:, cv2.CC_STAT_AREA].max())


def _share_of_border(sure: NDArray[np.bool_]) -> float:
    """Returns the subject's share of the border pixels."""
    rim = np.concatenate([sure[0], sure[-1], sure[1:-1, 0], sure[1:-1, -1]])
    return float(rim.mean())
