"""Records that a result was downloaded, by whichever door: page, ZIP, API or compatible API."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction

from accounts import locks
from common.deadlocks import again_after_deadlock
from jobs import clock
from jobs.models import Picture

logger = logging.getLogger(__name__)

AT_ONCE: Final = 500


def note(pictures: Iterable[Picture]) -> None:
    """Records the first download of the results of these pictures; later ones change nothing.

    Costs no query for pictures that were downloaded before, and one transaction for each 500 others. A
    download must not fail because it cannot be counted: a database error is only logged.
    """
    new = [
        one.pk
        for one in pictures
        if one.downloaded_at is None and one.state == Picture.State.DONE and one.hidden_at is None
    ]
    try:
        for start in range(0, len(new), AT_ONCE):
            _note(new[start : start + AT_ONCE])
    except DatabaseError as error:
        logger.warning("could not record a download: %s", error)


@again_after_deadlock
def _note(ids: Collection[UUID]) -> None:
    free = Picture.objects.filter(pk__in=ids, downloaded_at__isnull=True)
    with transaction.atomic():
        # Several rows are locked in their order first. A single UPDATE needs no lock of its own.
        if len(ids) == 1 or locks.hold(free):
            free.update(downloaded_at=clock.now())
