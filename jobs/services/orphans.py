"""Orphans: files that no row names. A worker that is killed between writing a file and its row leaves one.

Each sweep compares one stretch of the store with the database and continues where the last one stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta
from itertools import islice
from typing import Final
from uuid import UUID

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q

from accounts import locks
from jobs import clock, storage
from jobs.models import (
    Backdrop,
    DataExport,
    Improvement,
    Matte,
    Picture,
    Rendition,
    RenditionRequest,
    Upload,
)
from jobs.services import rendition_files
from jobs.storage import Stored, StoreRefusedError, StoreUnavailableError

logger = logging.getLogger(__name__)

# Keys outside these prefixes are never touched.
OF_UPLOADS: Final = ("incoming/", "sources/")
OF_PICTURES: Final = ("thumbs/", "mattes/", "renditions/", "previews/")
OF_USERS: Final = ("backdrops/", "improvements/", "exports/")
EVERY: Final = OF_UPLOADS + OF_PICTURES + OF_USERS
AT_ONCE: Final = 1000
BOOKMARK: Final = "orphans:after"


def sweep() -> int:
    """Deletes orphans older than ORPHAN_HOURS in the next stretch of the store. Returns how many.

    The position is in the cache. If it is lost, the walk starts over, which does no harm.
    """
    try:
        after = cache.get(BOOKMARK) or OF_UPLOADS[0]
        prefix = after.split("/")[0] + "/"
        found = list(islice(storage.keys(prefix, after if after != prefix else ""), AT_ONCE))
        deleted = _delete_orphans(found, timedelta(hours=settings.ORPHAN_HOURS))
        cache.set(BOOKMARK, found[-1].key if len(found) == AT_ONCE else _next(prefix), timeout=None)
    except (StoreUnavailableError, redis.RedisError) as error:
        logger.warning("orphan sweep skipped: %s", error)
        return 0
    return deleted


def sweep_all(older_than: timedelta) -> int:
    """Walks the whole store now and deletes orphans older than `older_than`. Returns how many.

    Raises StoreUnavailableError if the store does not answer.
    """
    deleted = 0
    for prefix in EVERY:
        files = storage.keys(prefix)
        while found := list(islice(files, AT_ONCE)):
            deleted += _delete_orphans(found, older_than)
    return deleted


def orphans_of(files: Collection[Stored]) -> set[str]:
    """Returns the keys that no row names and that no worker is about to name."""
    keys = {file.key for file in files}
    by_owner = {key: _owner(key) for key in keys}
    nobodys = {key for key, owner in by_owner.items() if owner is None}
    owners = {owner for owner in by_owner.values() if owner is not None}
    return nobodys | (keys - nobodys - _referenced_keys(keys, owners))


def _next(prefix: str) -> str:
    return EVERY[(EVERY.index(prefix) + 1) % len(EVERY)]


def _delete_orphans(files: Collection[Stored], older_than: timedelta) -> int:
    before = clock.now() - older_than
    old = [file for file in files if file.written_at <= before]
    if not orphans_of(old):
        return 0
    owners = {owner for file in old if (owner := _owner(file.key)) is not None}
    with transaction.atomic():
        # Lock the pictures and check again: a retry of a failed picture must not start to write these keys
        # between the check and the deletion.
        locks.hold(Picture.objects.filter(pk__in=owners))
        orphans = orphans_of(old)
        try:
            storage.delete(sorted(orphans))
        except (StoreRefusedError, OSError):
            # The other files are deleted. Do not stop the walk: the next one tries this file again.
            logger.exception("could not delete every orphan")
    logger.warning("deleted %d orphaned files, for example %s", len(orphans), min(orphans, default=""))
    return len(orphans)


def _owner(key: str) -> UUID | None:
    """The id of the upload or picture in a key. None if the key does not have our format."""
    try:
        return UUID(key.split("/")[1].split(".")[0])
    except (IndexError, ValueError):
        return None


def _referenced_keys(keys: Collection[str], owners: Collection[UUID]) -> set[str]:
    """Returns those of the keys that a row of these owners names or a worker is about to write."""
    named = {
        key
        for upload, state in Upload.objects.filter(pk__in=owners).values_list("pk", "state")
        for key in _keys_of_upload(upload, state)
    }
    for rendition_request in RenditionRequest.objects.filter(
        Q(pk__in=owners) | Q(picture__in=owners)
    ).select_related("matte"):
        named.update(rendition_files.keys_of_attempt(rendition_request))
    named.update(Picture.objects.filter(source_key__in=keys).values_list("source_key", flat=True))
    working: set[UUID] = set()
    for picture, state, thumb in Picture.objects.filter(pk__in=owners).values_list(
        "pk", "state", "thumb_key"
    ):
        named.add(thumb)
        if state in {Picture.State.QUEUED, Picture.State.RUNNING}:
            working.add(picture)
    named.update(key for key in keys if _owner(key) in working)
    named.update(Matte.objects.filter(picture__in=owners).values_list("key", flat=True))
    for pair in Rendition.objects.filter(picture__in=owners).values_list("key", "preview_key"):
        named.update(pair)
    for model in (Backdrop, Improvement):
        named.update(row.key for row in model.objects.filter(pk__in=owners).only("pk"))
    # The courier may be writing the next part.
    exports = set(DataExport.objects.filter(pk__in=owners).values_list("pk", flat=True))
    named.update(key for key in keys if _owner(key) in exports)
    return named


def _keys_of_upload(upload: UUID, state: str) -> tuple[str, ...]:
    if state == Upload.State.STARTED:
        return storage.incoming_key(upload), storage.source_key(upload)
    return (storage.source_key(upload),) if state == Upload.State.UPLOADED else ()
