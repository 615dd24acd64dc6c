"""The picture that a recipe's background names by its path."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import RecipeError
from segmentation.pictures import Limits, decode
from segmentation.recipe import Backdrop, Recipe


def read_backdrop(recipe: Recipe, limits: Limits) -> NDArray[np.uint8] | None:
    """The background picture, h×w×3 or h×w×4 uint8; None where the recipe names none. Prints its warnings.

    Raises RecipeError where the file cannot be read, PictureError where it is no picture.
    """
    if not isinstance(recipe.background, Backdrop):
        return None
    try:
        picture = decode(recipe.background.ref, limits)
    except OSError as error:
        sentence = f"The background picture {recipe.background.ref} cannot be read: {error.strerror}."
        raise RecipeError("failed_background", sentence, "background") from error
    for warning in picture.info.warnings:
        print(f"cutout: {recipe.background.ref}: warning: {warning}", file=sys.stderr)
    if picture.alpha is None:
        return picture.rgb
    return np.dstack((picture.rgb, picture.alpha))
