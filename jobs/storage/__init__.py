"""Files: a few named operations, whatever store the settings name; nothing is public in any of them.

A missing file is a FileNotFoundError; a store that does not answer, is full or takes no writes is a
StoreUnavailableError, and one file that it refuses a StoreRefusedError.
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
]


# The store of the backend that Django has in use; a test's other settings bring another backend.
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
    from jobs.storage.s3 import S3Store  # boto3 takes a second to import, and only S3 needs it

    return S3Store(backend)


def write(key: str, content: bytes | IO[bytes]) -> None:
    """Store bytes under a key; what was there is replaced as a whole."""
    _store().write(key, content)


def reading(key: str) -> AbstractContextManager[BinaryIO]:
    """The file under a key, open for reading as a whole."""
    return _store().reading(key)


def peeking(key: str) -> AbstractContextManager[BinaryIO]:
    """The file under a key, of which only what is read is fetched: for looking at headers."""
    return _store().peeking(key)


def chunks(key: str) -> Iterator[bytes]:
    """The bytes under a key, piece by piece."""
    return _store().chunks(key)


def size(key: str) -> int:
    """How many bytes are under a key."""
    return _store().size(key)


def move(key: str, to: str) -> None:
    """Give a file another key; where that was done already, nothing happens."""
    _store().move(key, to)


def delete(keys: Iterable[str]) -> None:
    """Delete files; one that is gone already is as good as deleted."""
    _store().delete(keys)


def keys(prefix: str, after: str = "") -> Iterator[Stored]:
    """The files whose key begins with `prefix`, a first part with its slash, and comes after `after`.

    In one fixed order, so that a walk through all of them can go on where it stopped.
    """
    return _store().keys(prefix, after)


def upload_target(upload: UUID, most: int, own: str = "") -> UploadTarget:
    """Where a client sends the bytes of an upload, at most `most` of them; they arrive under incoming_key.

    own: the address that takes them where the store cannot, if it is another than the page's.
    """
    return _store().upload_target(upload, most, own)


def download_url(key: str, *, name: str, media_type: str, download: bool) -> str | None:
    """A short-lived address of the file itself under the given name, or None where the web serves it."""
    return _store().download_url(key, name=name, media_type=media_type, download=download)


def check_room(size: int) -> None:
    """Raise StoreFullError where there is no room to take `size` bytes in: before an upload is taken."""
    _store().check_room(size)


def probe() -> None:
    """Raise StoreUnavailableError where the store does not work at the moment."""
    _store().probe()
