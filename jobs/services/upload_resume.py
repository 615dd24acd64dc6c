"""Unsubmitted uploads: resumed after a page reload, or discarded."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from accounts.models import User
from jobs import names, storage
from jobs.models import Upload
from jobs.services import removal, slices, uploads
from jobs.services.open_uploads import of_pages, open_uploads


def resume(user: User, upload: UUID, name: str, size: int) -> Upload | None:
    """Returns the open upload that was announced for this file, or None.

    If all bytes have arrived, it is checked at once and becomes `uploaded` or `refused`. Otherwise it stays
    `started` and waits for them.
    """
    same = {"name": names.clean(name), "folder": names.folder(name), "announced_size": size}
    found: Upload | None = open_uploads(user).filter(pk=upload, **same).first()
    if found is None or found.state == Upload.State.REFUSED:
        return None
    if found.state == Upload.State.STARTED and _is_whole(found):
        return uploads.finish(found)
    return found


def _is_whole(upload: Upload) -> bool:
    try:
        return storage.size(storage.incoming_key(upload.pk)) == upload.announced_size
    except FileNotFoundError:
        return False


def discard(user: User, chosen: Collection[UUID] | None = None) -> int:
    """Deletes the chosen open uploads with their files, or all that came from pages. Returns how many."""
    doomed = of_pages(user) if chosen is None else open_uploads(user).filter(pk__in=chosen)
    deleted: list[int] = []

    def delete_some() -> int:
        deleted.append(removal.delete_uploads(doomed))
        return deleted[-1]

    slices.run(delete_some)
    return sum(deleted)
