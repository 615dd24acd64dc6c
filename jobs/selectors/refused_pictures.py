"""Looks pictures up in the list of refused pictures. Each look-up reads a bounded number of entries."""

from __future__ import annotations

import logging
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q, QuerySet

from jobs.models import RefusedPicture
from jobs.models.refused_picture import MAX_DISTANCE, bands, distance_between, near_bands

logger = logging.getLogger(__name__)

# Entries that share a band with a picture and are compared with it. With 100,000 random hashes it is about
# a hundred.
MAX_COMPARED: Final = 5_000


def may_be_refused(size: int) -> bool:
    """Whether a file of this many bytes can be a refused one. If not, nobody needs to hash it."""
    return RefusedPicture.objects.filter(Q(size=size) | Q(size__isnull=True)).exists()


def is_refused(sha256: str) -> bool:
    """Whether the file with this SHA-256 is refused."""
    return RefusedPicture.objects.filter(sha256=sha256).exists()


def nearest(phash: int, distance: int) -> tuple[RefusedPicture, int] | None:
    """Returns the refused picture whose hash is closest, and how many bits differ: at most `distance`.

    None if there is none. Raises ValueError for a distance above MAX_DISTANCE, which the indexes do not
    cover.
    """
    if not 0 <= distance <= MAX_DISTANCE:
        raise ValueError(f"The distance must be between 0 and {MAX_DISTANCE}, not {distance}.")
    candidates = list(sharing_a_band(phash, distance).values_list("pk", "phash")[:MAX_COMPARED])
    if len(candidates) == MAX_COMPARED:
        logger.warning("more than %d refused pictures resemble a picture; the rest was skipped", MAX_COMPARED)
    compared = ((distance_between(phash, other), pk) for pk, other in candidates if other is not None)
    found = min(compared, default=None)
    if found is None or found[0] > distance:
        return None
    row = RefusedPicture.objects.filter(pk=found[1]).first()
    return (row, found[0]) if row else None


def sharing_a_band(phash: int, distance: int) -> QuerySet[RefusedPicture]:
    """Returns the entries that may be at most `distance` away: the indexes find them."""
    close = (
        Q(**{f"band{number}__in": near_bands(band, distance)}) for number, band in enumerate(bands(phash))
    )
    return RefusedPicture.objects.filter(reduce(or_, close)).order_by()
