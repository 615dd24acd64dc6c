"""Keys: where each file lies follows from what it holds, so that writing it twice writes it once."""

from __future__ import annotations

from uuid import UUID


def incoming_key(upload: UUID) -> str:
    """Bytes on their way in, not looked at yet."""
    return f"incoming/{upload}"


def source_key(upload: UUID) -> str:
    """An uploaded file that was found to be a picture; it is never written again."""
    return f"sources/{upload}"


def backdrop_key(backdrop: UUID) -> str:
    """A picture that stands behind cut-outs."""
    return f"backdrops/{backdrop}"


def improvement_key(improvement: UUID) -> str:
    """A picture whose cut-out was not good, sent in for the staff."""
    return f"improvements/{improvement}"


def thumb_key(picture: UUID) -> str:
    """The small picture of the source."""
    return f"thumbs/{picture}.webp"


def matte_key(picture: UUID, revision: int) -> str:
    """A matte as a grey PNG."""
    return f"mattes/{picture}/{revision}.png"


def rendition_key(picture: UUID, revision: int, digest: str, extension: str) -> str:
    """An output file."""
    return f"renditions/{picture}/{revision}-{digest[:32]}.{extension}"


def preview_key(picture: UUID, revision: int, digest: str) -> str:
    """The small picture of an output file."""
    return f"previews/{picture}/{revision}-{digest[:32]}.webp"
