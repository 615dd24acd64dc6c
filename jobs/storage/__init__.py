"""File storage: a few operations that work on whichever store the settings name. No store serves files
publicly.

A missing file raises FileNotFoundError. A store that does not answer, is full or is read-only raises
StoreUnavailableError. A store that refuses one request raises StoreRefusedError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import IO, BinaryIO
from uuid import UUID

from django.core.files.storage import FileSystemStorage, storages

from jobs.storage.files import AtomicFileSystemStorage, FileStore
from jobs.storage.keys import (
    backdrop_key,
    erasure_key,
    export_key,
    improvement_key,
    incoming_key,
    matte_key,
    preview_key,
    rendition_key,
    source_key,
    thumb_key,
)
from jobs.storage.store import (
    Store,
    Stored,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
    UploadTarget,
)

__all__ = [
    "AtomicFileSystemStorage",
    "StoreFullError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "Stored",
    "UploadTarget",
    "backdrop_key",
    "check_room",
    "chunks",
    "delete",
    "download_url",
    "erasure_key",
    "export_key",
    "improvement_key",
    "incoming_key",
    "keys",
    "matte_key",
    "move",
    "peeking",
    "preview_key",
    "probe",
    "reading",
    "rendition_key",
    "size",
    "source_key",
    "thumb_key",
    "upload_target",
    "write",
    "write_chunks",
]


# The store that wraps Django's current default storage. Tests that override settings bring another storage.
_in_use: tuple[object, Store] | None = None


def _store() -> Store:
    global _in_use
    backend = storages["default"]
    if _in_use is None or _in_use[0] is not backend:
        _in_use = (backend, _make(backend))
    return _in_use[1]


def _make(backend: object) -> Store:
    if isinstance(backend, FileSystemStorage):
        return FileStore(backend)
    from jobs.storage.s3 import S3Store  # importing boto3 takes a second, and only S3 needs it

    return S3Store(backend)


def write(key: str, content: bytes | IO[bytes]) -> None:
    """Stores bytes under a key, atomically replacing what was there."""
    _store().write(key, content)


def write_chunks(key: str, chunks: Iterator[bytes]) -> None:
    """Stores bytes of unknown length under a key, atomically, without holding them in memory.

    The chunks are computed in the calling thread. Their errors reach the caller, and nothing is stored then.
    """
    _store().write_chunks(key, chunks)


def reading(key: str) -> AbstractContextManager[BinaryIO]:
    """Opens the file under a key for reading all of it."""
    return _store().reading(key)


def peeking(key: str) -> AbstractContextManager[BinaryIO]:
    """Opens the file under a key for reading parts of it, such as headers. Fetches only the parts that are
    read.
    """
    return _store().peeking(key)


def chunks(key: str) -> Iterator[bytes]:
    """Yields the bytes under a key in chunks."""
    return _store().chunks(key)


def size(key: str) -> int:
    """Returns the size of the file under a key in bytes."""
    return _store().size(key)


def move(key: str, to: str) -> None:
    """Renames a file. Idempotent: does nothing if the file was already moved."""
    _store().move(key, to)


def delete(keys: Iterable[str]) -> None:
    """Deletes files. Ignores files that do not exist."""
    _store().delete(keys)


def keys(prefix: str, after: str = "") -> Iterator[Stored]:
    """Yields the files whose key begins with `prefix` and sorts after `after`. `prefix` ends with a slash.

    The order is fixed, so a walk can resume where it stopped.
    """
    return _store().keys(prefix, after)


def upload_target(upload: UUID, most: int, own: str = "") -> UploadTarget:
    """Returns where a client sends the bytes of an upload, at most `most` of them. They are stored under
    incoming_key.

    own: the URL that accepts the bytes if the store cannot; the default is the page's upload URL.
    """
    return _store().upload_target(upload, most, own)


def download_url(key: str, *, name: str, media_type: str, download: bool) -> str | None:
    """Returns a short-lived URL of the file, which downloads under `name`. None if the web process serves the
    file.
    """
    return _store().download_url(key, name=name, media_type=media_type, download=download)


def check_room(size: int) -> None:
    """Raises StoreFullError if there is no room for `size` bytes. Called before an upload is accepted."""
    _store().check_room(size)


def probe() -> None:
    """Raises StoreUnavailableError if the store does not work at the moment."""
    _store().probe()
