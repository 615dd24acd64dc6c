"""Orphans: files that no row names, left where a worker was killed between a file and its row.

The store is walked a stretch at a time, from a bookmark on, and each stretch compared with the database.
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
from jobs.models import Backdrop, Improvement, Matte, Picture, Rendition, RenditionRequest, Upload
from jobs.services import rendition_requests
from jobs.storage import Stored, StoreRefusedError, StoreUnavailableError

logger = logging.getLogger(__name__)

# What lies elsewhere is not ours to judge.
OF_UPLOADS: Final = ("incoming/", "sources/")
OF_PICTURES: Final = ("thumbs/", "mattes/", "renditions/", "previews/")
OF_USERS: Final = ("backdrops/", "improvements/")
EVERY: Final = OF_UPLOADS + OF_PICTURES + OF_USERS
AT_ONCE: Final = 1000
BOOKMARK: Final = "orphans:after"


def sweep() -> int:
    """Delete the orphans of the next stretch of the store that are older than ORPHAN_HOURS; how many.

    The bookmark is in the cache: without it the walk begins anew, and nothing else changes.
    """
    try:
        after = cache.get(BOOKMARK) or OF_UPLOADS[0]
        prefix = after.split("/")[0] + "/"
        found = list(islice(storage.keys(prefix, after if after != prefix else ""), AT_ONCE))
        deleted = _delete_orphans(found, timedelta(hours=settings.ORPHAN_HOURS))
        cache.set(BOOKMARK, found[-1].key if len(found) == AT_ONCE else _next(prefix), timeout=None)
    except (StoreUnavailableError, redis.RedisError) as error:
        logger.warning("orphans were not looked for: %s", error)
        return 0
    return deleted


def sweep_all(older_than: timedelta) -> int:
    """Walk the whole store now and delete the orphans older than that; how many.

    Raises StoreUnavailableError where the store does not answer.
    """
    deleted = 0
    for prefix in EVERY:
        files = storage.keys(prefix)
        while found := list(islice(files, AT_ONCE)):
            deleted += _delete_orphans(found, older_than)
    return deleted


def orphans_of(files: Collection[Stored]) -> set[str]:
    """The keys among these that no row names, and that no worker is about to name."""
    keys = {file.key for file in files}
    by_owner = {key: _owner(key) for key in keys}
    nobodys = {key for key, owner in by_owner.items() if owner is None}
    owners = {owner for owner in by_owner.values() if owner is not None}
    return nobodys | (keys - nobodys - _named(keys, owners))


def _next(prefix: str) -> str:
    return EVERY[(EVERY.index(prefix) + 1) % len(EVERY)]


def _delete_orphans(files: Collection[Stored], older_than: timedelta) -> int:
    before = clock.now() - older_than
    old = [file for file in files if file.written_at <= before]
    if not orphans_of(old):
        return 0
    owners = {owner for file in old if (owner := _owner(file.key)) is not None}
    with transaction.atomic():
        # Held, and looked at again: nobody must begin to try a failed picture again, and write these keys,
        # between the look and the deletion.
        locks.hold(Picture.objects.filter(pk__in=owners))
        orphans = orphans_of(old)
        try:
            storage.delete(sorted(orphans))
        except (StoreRefusedError, OSError):
            # The others are gone. It must not hold up the walk: the next one comes by here again.
            logger.exception("not every orphan could be deleted")
    logger.warning(
        "%d files that no row names are deleted, such as %s", len(orphans), min(orphans, default="")
    )
    return len(orphans)


def _owner(key: str) -> UUID | None:
    """The upload or picture in a key; None for a file that is not ours by its name."""
    try:
        return UUID(key.split("/")[1].split(".")[0])
    except (IndexError, ValueError):
        return None


def _named(keys: Collection[str], owners: Collection[UUID]) -> set[str]:
    """Every key that belongs to somebody, of these keys and owners."""
    named = {
        key
        for upload, state in Upload.objects.filter(pk__in=owners).values_list("pk", "state")
        for key in _keys_of_upload(upload, state)
    }
    for rendition_request in RenditionRequest.objects.filter(
        Q(pk__in=owners) | Q(picture__in=owners)
    ).select_related("matte"):
        named.update(rendition_requests.keys_of_attempt(rendition_request))
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
    return named


def _keys_of_upload(upload: UUID, state: str) -> tuple[str, ...]:
    if state == Upload.State.STARTED:
        return storage.incoming_key(upload), storage.source_key(upload)
    return (storage.source_key(upload),) if state == Upload.State.UPLOADED else ()
