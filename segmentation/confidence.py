"""How far a matte can be trusted, told from the network's map alone, and what of a picture spoils mattes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.shrink import halved

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

# The raw map's peak stays below .06 on grey, gradients and noise; on pictures of the bench it is .99 and up.
LEAST_PEAK = 0.3
LEAST_COVER = 0.0005  # of the map: less is no subject (fifty of 320×320 pixels)
DOUBTFUL = 0.6  # a confidence below this is worth a person's look

TINY = 160  # pixels: a shorter side than this has no edges to follow
_SHARP_AT = 512  # the longer side at which sharpness is measured
_BLURRED = 3.0  # of 255: edges fainter than this are out of focus


@dataclass(frozen=True, slots=True)
class Assessment:
    """`confidence` 0..1; `subject`: whether there is one at all; `warnings`: sentences for a person."""

    confidence: float
    subject: bool
    warnings: tuple[str, ...] = ()


def assess(coarse: Floats) -> Assessment:
    """Judge a map (h×w float32 in 0..1, stretched).

    The confidence is the overlap with the truth (intersection over union) that is to be expected if the
    map's values are probabilities, lowered where the subject is in pieces and where it lies along the
    picture's border, and squared: the network is surer of itself than it is right.
    """
    sure = coarse > 0.5
    area = float(np.count_nonzero(sure))
    if area < max(1.0, LEAST_COVER * coarse.size):
        return Assessment(0.0, False, ("No subject stands out in this picture.",))
    hit = float(coarse[sure].sum())
    missed = float(coarse.sum()) - hit
    overlap = hit / (area + missed)
    largest = _largest_part(sure) / area
    along = _share_of_border(sure)
    confidence = (overlap * (0.7 + 0.3 * largest) * (1 - 0.3 * max(0.0, along - 0.25))) ** 2
    warnings = []
    if overlap**2 < DOUBTFUL:
        warnings.append("The subject is not clear in this picture: look at the result before you use it.")
    if largest < DOUBTFUL:
        warnings.append("Several separate things were taken as the subject.")
    if along > 0.5:
        warnings.append("The subject reaches most of the picture's border: parts of it may be background.")
    return Assessment(min(1.0, max(0.0, confidence)), True, tuple(warnings))


def picture_warnings(rgb: Bytes, halfway: Bytes | None = None) -> tuple[str, ...]:
    """What of the picture (H×W×3 uint8) itself lets expect a poor matte: too few pixels, nothing sharp.
    halfway: what shrink.half_of made of it, where that is at hand."""
    height, width = rgb.shape[:2]
    warnings = []
    if min(height, width) < TINY:
        warnings.append(f"The picture is small ({width}×{height} pixels): edges will be rough.")
    if sharpness(rgb if halfway is None else halfway) < _BLURRED:
        warnings.append("The picture is blurred: edges will be soft. A sharper photo gives a better result.")
    return tuple(warnings)


def sharpness(rgb: Bytes) -> float:
    """The contrast of the picture's sharpest edges: the 99.5th percentile of the second derivative, 0..255.

    Measured on the grey picture at most 512 pixels long, so that grain of large photos does not count as
    detail.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _SHARP_AT / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    if scale < 1:
        # Halving takes next to no time; what is left is less than that, for which straight lines do.
        small = halved(grey, size[1], size[0], least=1)[0]
        grey = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    bends = np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=1))
    return float(min(255.0, np.percentile(bends, 99.5) / 4))


def _largest_part(sure: NDArray[np.bool_]) -> float:
    """Pixels of the largest connected part."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(sure.astype(np.uint8))
    return float(stats[1:, cv2.CC_STAT_AREA].max())


def _share_of_border(sure: NDArray[np.bool_]) -> float:
    """The share of the outermost pixels that the subject takes."""
    rim = np.concatenate([sure[0], sure[-1], sure[1:-1, 0], sure[1:-1, -1]])
    return float(rim.mean())
