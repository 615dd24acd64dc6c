"""From a picture and its matte to the pixels of the result that a recipe asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.foreground import estimate
from segmentation.recipe import Recipe

Bytes = NDArray[np.uint8]


def compose(
    rgb: Bytes, alpha: Bytes, recipe: Recipe, backdrop: Bytes | None = None
) -> tuple[Bytes | None, Bytes | None]:
    """The result's colours and alpha, ready to be encoded.

    `rgb`: the source, H×W×3 uint8 sRGB (its own colours: the subject's are estimated here). `alpha`: its
    matte, H×W uint8. `backdrop`: for a picture background, that picture, h×w×3 or h×w×4 (straight alpha) uint8 sRGB.
    Answers (colours, alpha): colours None for the matte alone, alpha None where nothing is transparent.
    """
    if recipe.channels == "alpha":
        return None, alpha
    return estimate(rgb, alpha), alpha
