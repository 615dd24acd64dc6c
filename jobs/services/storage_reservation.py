"""Reserving: bytes of storage that results will take, kept free from when they are asked for.

The rows say it: what they reserve counts while they wait or run, and no longer once they are done, failed,
cancelled or deleted. So nothing has to be given back.
"""

from __future__ import annotations

from jobs.models import Picture
from jobs.services import result_limits
from segmentation import result_size
from segmentation.recipe import Recipe


def of_picture(picture: Picture, recipe: Recipe, most: int) -> int:
    """What the matte and the rendition of a new picture will take. most: as for `of_rendition`."""
    source = (picture.width or 0) * (picture.height or 0)
    return result_size.expected_matte_bytes(source) + of_rendition(picture, recipe, most)


def of_rendition(picture: Picture, recipe: Recipe, most: int) -> int:
    """What another rendition of a picture will take. most: the pixels that a result may have."""
    return result_size.expected_bytes(result_limits.expected_pixels(picture, recipe, most), recipe)
