"""Files: a few named operations over Django's storage, with keys that follow from what they hold."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

CHUNK = 256 * 1024


class AtomicFileSystemStorage(FileSystemStorage):
    """The file system, with S3's promise: a key holds the old bytes or the new ones, never a half."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: keys are deterministic, and writing one again replaces it."""
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        full = self.path(name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(full), prefix=".part-", delete=False) as part:
            try:
                for chunk in content.chunks():
                    part.write(chunk)
                part.flush()
                os.fsync(part.fileno())
                os.replace(part.name, full)
            except BaseException:
                os.unlink(part.name)
                raise
        return name


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


def write(key: str, content: bytes | IO[bytes]) -> None:
    """Store bytes under a key; what was there is replaced as a whole."""
    wrapped = ContentFile(content) if isinstance(content, bytes) else File(content)
    saved = default_storage.save(key, wrapped)
    if saved != key:
        raise RuntimeError(f"the store put {key} under {saved}")


@contextmanager
def reading(key: str) -> Iterator[File[Any]]:
    """The file under a key, open for reading; FileNotFoundError where there is none."""
    with default_storage.open(key, "rb") as file:
        yield file


def chunks(key: str) -> Iterator[bytes]:
    """The bytes under a key, piece by piece; FileNotFoundError where there is none."""
    with reading(key) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def size(key: str) -> int:
    """The bytes under a key; FileNotFoundError where there is none."""
    return default_storage.size(key)


def delete(keys: Iterable[str]) -> None:
    """Delete files; one that is gone already is as good as deleted."""
    for key in keys:
        default_storage.delete(key)
