"""Storage reservation: bytes set aside for the results of queued and running work.

The rows themselves carry the reservation. It counts while a row is queued or running, and ends when the row
is done, failed, cancelled or deleted. Nothing has to be released.
"""

from __future__ import annotations

from jobs.models import Picture
from jobs.services import result_limits
from segmentation import result_size
from segmentation.recipe import Recipe


def of_picture(picture: Picture, recipe: Recipe, most: int) -> int:
    """Returns the expected bytes of a new picture's matte and rendition. most: as for `of_rendition`."""
    source = (picture.width or 0) * (picture.height or 0)
    return result_size.expected_matte_bytes(source) + of_rendition(picture, recipe, most)


def of_rendition(picture: Picture, recipe: Recipe, most: int) -> int:
    """Returns the expected bytes of another rendition of a picture. most: the pixel limit of a result."""
    return result_size.expected_bytes(result_limits.expected_pixels(picture, recipe, most), recipe)
