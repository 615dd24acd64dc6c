"""Refuses the file of a picture from now on: what the moderation pages call."""

from __future__ import annotations

import hashlib

from accounts.models import User
from jobs import storage
from jobs.errors import GoneError
from jobs.models import Picture, RefusedPicture
from jobs.services import refused_pictures


def refuse(picture: Picture, note: str, moderator: User) -> RefusedPicture:
    """Refuses a picture from now on: uploads of the same file fail, similar pictures are flagged.

    The picture itself stays as it is. Reads the file if no worker has hashed it yet. Without a perceptual
    hash, of a picture that no worker has finished, similar pictures are not found. Raises GoneError if the
    file is gone and was never hashed.
    """
    return refused_pictures.add(
        picture.source_digest or _digest(picture),
        size=picture.source_size,
        phash=picture.phash,
        note=note,
        moderator=moderator,
    )


def _digest(picture: Picture) -> str:
    digest = hashlib.sha256()
    try:
        if not picture.source_key:
            raise FileNotFoundError(picture.source_key)
        for chunk in storage.chunks(picture.source_key):
            digest.update(chunk)
    except FileNotFoundError as error:
        raise GoneError from error
    return digest.hexdigest()
