"""How large a result may be, and what its pixels cost.

Pixels of a result count as those of a source do: a picture is charged for the larger of the two. A result
that is no larger than its source is part of what the source cost.
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
    """The pixels that a result of this user's may have. most: the user's limits, where they are at hand."""
    own = (most or allowed(user)).result
    site: int = settings.MAX_RESULT_PIXELS
    return site if own is None else min(site, own)


def check_size(recipe: Recipe, most: int) -> None:
    """Raise RecipeError `result_too_large` for a size that no source makes right, as `check` does."""
    size = recipe.size
    if size is not None and size.width * size.height > max(most, settings.MAX_PICTURE_PIXELS):
        raise _too_large(size.width, size.height, most)


def check(picture: Picture, recipe: Recipe, most: int) -> None:
    """Raise RecipeError `result_too_large` where the result surely has more pixels than `most` and than its
    source.

    What a crop to the subject comes to, only a worker knows: it looks again.
    """
    width, height = result_size.expected(*_source(picture), recipe)
    exact = not recipe.crop or (recipe.size is not None and recipe.size.width and recipe.size.height)
    if exact and width * height > max(most, _pixels(picture)):
        raise _too_large(width, height, most)


def expected_pixels(picture: Picture, recipe: Recipe, most: int) -> int:
    """The pixels of a result: exact but for a crop, where the subject is taken to fill the picture."""
    width, height = result_size.expected(*_source(picture), recipe)
    return min(width * height, max(most, _pixels(picture)))


def charged_pixels(picture: Picture, recipe: Recipe, most: int) -> int:
    """What a picture with its first result is charged: the pixels of the larger of the two."""
    return max(_pixels(picture), expected_pixels(picture, recipe, most))


def extra_pixels(picture: Picture, recipe: Recipe, most: int) -> int:
    """What another rendition of a picture is charged: the pixels that it has beyond its source's."""
    return charged_pixels(picture, recipe, most) - _pixels(picture)


def _source(picture: Picture) -> tuple[int, int]:
    return picture.width or 1, picture.height or 1


def _pixels(picture: Picture) -> int:
    return (picture.width or 0) * (picture.height or 0)


def _too_large(width: int, height: int, most: int) -> RecipeError:
    return RecipeError(
        "result_too_large",
        f"The result would have {width}×{height} pixels, and may have {most / 1e6:g} megapixels. "
        "Ask for a smaller size or margin.",
        "size",
    )
