"""Limits on the size of results, and the pixels to charge.

A picture is charged for its source or its result, whichever has more pixels. A result no larger than its
source costs nothing extra.
"""

from __future__ import annotations

from django.conf import settings

from accounts.models import User
from accounts.selectors import Allowed, allowed
from jobs.models import Picture
from segmentation import result_size
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe


def most_pixels(user: User, most: Allowed | None = None) -> int:
    """Returns the maximum pixels of this user's results. most: the user's limits, if already loaded."""
    own = (most or allowed(user)).result
    site: int = settings.MAX_RESULT_PIXELS
    return site if own is None else min(site, own)


def check_size(recipe: Recipe, most: int) -> None:
    """Raises RecipeError `result_too_large` for a size that is too large for any source."""
    size = recipe.size
    if size is not None and size.width * size.height > max(most, settings.MAX_PICTURE_PIXELS):
        raise _too_large(size.width, size.height, most)


def check(picture: Picture, recipe: Recipe, most: int) -> None:
    """Raises RecipeError `result_too_large` if the result surely exceeds both `most` and its source.

    The size of a crop is unknown until a worker has the matte, so the worker checks again.
    """
    width, height = result_size.expected(*_source(picture), recipe)
    exact = not recipe.crop or (recipe.size is not None and recipe.size.width and recipe.size.height)
    if exact and width * height > max(most, _pixels(picture)):
        raise _too_large(width, height, most)


def expected_pixels(picture: Picture, recipe: Recipe, most: int) -> int:
    """Returns the pixels of a result. For a crop, it assumes that the subject fills the picture."""
    width, height = result_size.expected(*_source(picture), recipe)
    return min(width * height, max(most, _pixels(picture)))


def charged_pixels(picture: Picture, recipe: Recipe, most: int) -> int:
    """Returns the pixels to charge for a picture and its first result: the larger of the two."""
    return max(_pixels(picture), expected_pixels(picture, recipe, most))


def extra_pixels(picture: Picture, recipe: Recipe, most: int) -> int:
    """Returns the pixels to charge for a further rendition: those beyond the source's."""
    return charged_pixels(picture, recipe, most) - _pixels(picture)


def _source(picture: Picture) -> tuple[int, int]:
    return picture.width or 1, picture.height or 1


def _pixels(picture: Picture) -> int:
    return (picture.width or 0) * (picture.height or 0)


def _too_large(width: int, height: int, most: int) -> RecipeError:
    return RecipeError(
        "result_too_large",
        f"The result would have {width}×{height} pixels; the limit is {most / 1e6:g} megapixels. "
        "Ask for a smaller size or margin.",
        "size",
    )
