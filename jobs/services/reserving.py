"""Reserving: bytes of storage that results will take, kept free from when they are asked for.

The rows say it: what they reserve counts while they wait or run, and no longer once they are done, failed,
cancelled or deleted. So nothing has to be given back.
"""

from __future__ import annotations

from jobs.models import Picture
from segmentation import result_size
from segmentation.recipe import Recipe


def of_picture(picture: Picture, recipe: Recipe) -> int:
    """What the matte and the rendition of a new picture will take; 0 where it has no source."""
    if not picture.source_key:
        return 0
    width, height = picture.width or 1, picture.height or 1
    return result_size.expected_matte_bytes(width, height) + of_rendition(picture, recipe)


def of_rendition(picture: Picture, recipe: Recipe) -> int:
    """What another rendition of a picture will take."""
    size = result_size.expected(picture.width or 1, picture.height or 1, recipe)
    return result_size.expected_bytes(*size, recipe)
