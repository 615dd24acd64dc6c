"""Colour error of a cut-out, measured on plain backgrounds, which show every remnant of the old one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.evaluation.arrays import Mask, Matte

Picture = NDArray[np.uint8]  # H×W×3, straight (not premultiplied)
RED_GREEN_BLUE = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def composite(rgb: Picture, alpha: Matte, background: tuple[int, int, int]) -> NDArray[np.float64]:
    """Composites a cut-out (H×W×3 and H×W uint8, straight alpha) on one colour: H×W×3 float64, 0..255.

    Composites stored values, as browsers and rembg do; Porter and Duff, "Compositing digital images",
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
    """Returns the mean absolute difference, 0..255, of two cut-outs on each background, over the pixels of
    `where`.

    NaN if `where` (H×W bool) is empty.
    """
    if not where.any():
        return float("nan")
    errors = [
        float(np.mean(np.abs(composite(*cutout, colour)[where] - composite(*reference, colour)[where])))
        for colour in backgrounds
    ]
    return float(np.mean(errors))
