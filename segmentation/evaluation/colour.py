"""How right the colours of a cut-out are: laid on plain backgrounds, where every remnant of the old one
shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.arrays import Mask, Matte

Picture = NDArray[np.uint8]  # H×W×3, straight (not multiplied by alpha)
RED_GREEN_BLUE = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def composed(rgb: Picture, alpha: Matte, background: tuple[int, int, int]) -> NDArray[np.float64]:
    """A cut-out (H×W×3 and H×W uint8, straight alpha) laid on one colour: H×W×3 float64, 0..255.

    Composed in the stored values, as browsers and rembg do; Porter and Duff, "Compositing digital images",
    SIGGRAPH 1984.
    """
    share = (alpha / 255)[:, :, None]
    laid: NDArray[np.float64] = rgb * share + np.array(background, np.float64) * (1 - share)
    return laid


def colour_error(
    cutout: tuple[Picture, Matte],
    reference: tuple[Picture, Matte],
    where: Mask,
    backgrounds: tuple[tuple[int, int, int], ...] = RED_GREEN_BLUE,
) -> float:
    """Mean absolute difference, 0..255, of two cut-outs laid on each background, over the pixels of `where`.

    NaN where `where` (H×W bool) is empty.
    """
    if not where.any():
        return float("nan")
    errors = [
        float(np.mean(np.abs(composed(*cutout, colour)[where] - composed(*reference, colour)[where])))
        for colour in backgrounds
    ]
    return float(np.mean(errors))
