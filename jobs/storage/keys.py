"""Storage keys. Each key derives from what the file holds, so writing a file twice is idempotent."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID


def incoming_key(upload: UUID) -> str:
    """Uploaded bytes that have not been checked yet."""
    return f"incoming/{upload}"


def source_key(upload: UUID) -> str:
    """An uploaded file that was verified to be a picture. It is never rewritten."""
    return f"sources/{upload}"


def backdrop_key(backdrop: UUID) -> str:
    """A background picture for cut-outs."""
    return f"backdrops/{backdrop}"


def improvement_key(improvement: UUID) -> str:
    """A picture with a bad cut-out that a user reported to the staff."""
    return f"improvements/{improvement}"


def export_key(export: UUID, part: int) -> str:
    """A part of a data export, numbered from 1."""
    return f"exports/{export}/{part}.zip"


def erasure_key(account: int, joined: datetime) -> str:
    """The note that an account was erased. joined: tells it from a later account with the same number."""
    return f"erasures/{account}-{joined.astimezone(UTC):%Y%m%dT%H%M%S.%f}"


def thumb_key(picture: UUID) -> str:
    """The thumbnail of a source picture."""
    return f"thumbs/{picture}.webp"


def matte_key(picture: UUID, revision: int) -> str:
    """A matte, stored as a greyscale PNG."""
    return f"mattes/{picture}/{revision}.png"


def rendition_key(picture: UUID, revision: int, digest: str, extension: str) -> str:
    """An output file."""
    return f"renditions/{picture}/{revision}-{digest[:32]}.{extension}"


def preview_key(picture: UUID, revision: int, digest: str) -> str:
    """The preview of an output file."""
    return f"previews/{picture}/{revision}-{digest[:32]}.webp"
