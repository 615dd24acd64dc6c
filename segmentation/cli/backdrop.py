"""The picture that a recipe's background names by its path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import RecipeError
from segmentation.pictures import decode
from segmentation.recipe import Backdrop, Recipe


def read_backdrop(recipe: Recipe) -> NDArray[np.uint8] | None:
    """The background picture, h×w×3 or h×w×4 uint8; None where the recipe names none.

    Raises RecipeError where the file cannot be read, PictureError where it is no picture.
    """
    if not isinstance(recipe.background, Backdrop):
        return None
    try:
        picture = decode(recipe.background.ref)
    except OSError as error:
        sentence = f"The background picture {recipe.background.ref} cannot be read: {error.strerror}."
        raise RecipeError("failed_background", sentence, "background") from error
    if picture.alpha is None:
        return picture.rgb
    return np.dstack((picture.rgb, picture.alpha))
