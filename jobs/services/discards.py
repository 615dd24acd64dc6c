"""Deletion of files after the commit of the transaction that deletes their rows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from django.db import transaction

from accounts import locks
from common.after_commit import after_commit
from jobs import storage
from jobs.models import Discard
from jobs.storage import StoreRefusedError, StoreUnavailableError

logger = logging.getLogger(__name__)

# Files in one transaction.
SWEEP: Final = 200


def discard(keys: Iterable[str]) -> None:
    """Deletes files after the commit. A Discard row keeps each key, so a crash in between loses nothing."""
    kept = sorted({key for key in keys if key})
    Discard.objects.bulk_create([Discard(key=key) for key in kept], batch_size=500, ignore_conflicts=True)
    after_commit(sweep_discards, SWEEP)


def sweep_discards(most: int = SWEEP) -> int:
    """Deletes files whose rows are gone. Returns how many. Failed deletions are retried later."""
    rows = list(Discard.objects.values_list("pk", "key")[:most])
    stuck: list[str] = []
    try:
        storage.delete([key for _, key in rows])
    except StoreUnavailableError as error:
        logger.warning("deletion of %d files postponed: %s", len(rows), error)
        return 0
    except (StoreRefusedError, OSError):
        # Try the files one by one, so that one that cannot be deleted does not block the others.
        stuck = [key for _, key in rows if not _deleted(key)]
    with transaction.atomic():
        # A concurrent sweep has deleted the same files and removes their rows itself.
        mine = locks.hold(
            Discard.objects.filter(pk__in=[pk for pk, _ in rows]), to_delete=True, skip_locked=True
        )
        Discard.objects.filter(pk__in=mine).delete()
        # New rows go to the end of the queue.
        Discard.objects.bulk_create([Discard(key=key) for key in stuck], ignore_conflicts=True)
    return len(rows) - len(stuck)


def _deleted(key: str) -> bool:
    try:
        storage.delete([key])
    except (StoreRefusedError, OSError):
        logger.exception("could not delete %s", key)
        return False
    return True
