"""The list of refused pictures: what staff add and remove, and the check of each file by its SHA-256."""

from __future__ import annotations

import hashlib
from typing import Final

from django.db import transaction

from accounts.models import AuditAction, User
from accounts.services import audit
from jobs import storage
from jobs.errors import UploadRefusedError
from jobs.models import RefusedPicture
from jobs.models.refused_picture import bands
from jobs.selectors import refused_pictures

CODE: Final = "refused_picture"
SENTENCE: Final = (
    "The staff of this site do not accept this picture. Leave it out. If you think that this is a mistake, "
    "write to them."
)


def check_file(key: str, size: int) -> None:
    """Raises UploadRefusedError if the stored file of `size` bytes is a refused picture.

    Reads the file only if a refused picture has the same size, and then in chunks.
    """
    if not refused_pictures.may_be_refused(size):
        return
    digest = hashlib.sha256()
    for chunk in storage.chunks(key):
        digest.update(chunk)
    check_digest(digest.hexdigest())


def check_digest(sha256: str) -> None:
    """Raises UploadRefusedError if the file with this SHA-256 is a refused picture."""
    if refused_pictures.is_refused(sha256):
        raise UploadRefusedError(CODE, SENTENCE)


def add(
    sha256: str,
    *,
    size: int | None = None,
    phash: int | None = None,
    note: str = "",
    moderator: User,
) -> RefusedPicture:
    """Puts a picture on the list, or returns the entry that names the same file already.

    sha256: in lower-case hex. size: bytes of the file. phash: a signed 64-bit number. An entry without a
    size makes the server hash every upload; one without a perceptual hash finds no similar pictures. An
    existing entry gets what it lacks.
    """
    known = _hash_columns(phash) | ({} if size is None else {"size": size})
    with transaction.atomic():
        row, created = RefusedPicture.objects.get_or_create(
            sha256=sha256, defaults={"note": note[:500], "added_by": moderator.pk, **known}
        )
        if created:
            audit.record(AuditAction.PICTURE_REFUSED, subject=None, on=row, actor=moderator, reason=note)
        else:
            missing = {name: value for name, value in known.items() if getattr(row, name) is None}
            if missing and RefusedPicture.objects.filter(pk=row.pk).update(**missing):
                row.refresh_from_db()
    return row


def remove(row: RefusedPicture, *, moderator: User) -> bool:
    """Takes a picture off the list: it can be uploaded again. Returns False if somebody else just did."""
    with transaction.atomic():
        count, _ = RefusedPicture.objects.filter(pk=row.pk).delete()
        if count:
            audit.record(AuditAction.REFUSAL_LIFTED, subject=None, on=row, actor=moderator)
    return bool(count)


def _hash_columns(phash: int | None) -> dict[str, int]:
    if phash is None:
        return {}
    return {"phash": phash} | {f"band{number}": band for number, band in enumerate(bands(phash))}
