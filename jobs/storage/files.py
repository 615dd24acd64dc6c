"""The file system as a store: the default on a single machine."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, BinaryIO, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.urls import reverse

from jobs.storage.store import (
    CHUNK,
    ChunkReader,
    Stored,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
    UploadTarget,
)

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# Errors of the whole file system, which does not work at the moment.
_AWAY: Final = frozenset(
    {errno.EROFS, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH}
    | {errno.ENODEV, errno.ENXIO}
)
# Errors of one file or of the whole file system; `_probe` tells which.
_EITHER: Final = frozenset({errno.EIO, errno.EACCES, errno.EPERM})
# Larger than one block, so that the probe fails on a disk that is practically full.
_PROBE: Final = b"probe" * 4000
# The reserved free space is at most this fraction of the file system, so that a small one accepts uploads
# too.
_MOST_OF_ALL: Final = 0.1


class AtomicFileSystemStorage(FileSystemStorage):
    """The file system with S3's guarantee: a key holds the old bytes or the new ones, never a mixture."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Returns the name unchanged: keys are deterministic, and writing a key again replaces its file."""
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


class FileStore:
    """Files in a folder that no web server exposes; the web process serves them.

    An OSError becomes StoreUnavailableError, or StoreRefusedError if one file is at fault.
    """

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """See Store."""
        wrapped = ContentFile(content) if isinstance(content, bytes) else _Content(content)
        try:
            with self._translated(key):
                saved = self._storage.save(key, wrapped)
        except _ContentError as error:
            raise error.reason from None
        if saved != key:
            raise RuntimeError(f"the store saved {key} as {saved}")

    def write_chunks(self, key: str, chunks: Iterator[bytes]) -> None:
        """See Store."""
        self.write(key, io.BufferedReader(ChunkReader(chunks), CHUNK))

    @contextmanager
    def reading(self, key: str) -> Iterator[BinaryIO]:
        """See Store. Translates errors of the file only, not errors of the caller's block."""
        with self._translated(key):
            raw = _RawFile(self._storage.path(key), partial(self._translated, key))
        with io.BufferedReader(raw) as file:
            yield file

    peeking = reading

    def chunks(self, key: str) -> Iterator[bytes]:
        """See Store."""
        with self.reading(key) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def size(self, key: str) -> int:
        """See Store."""
        with self._translated(key):
            return self._storage.size(key)

    def move(self, key: str, to: str) -> None:
        """See Store."""
        target = self._storage.path(to)
        with self._translated(to):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                os.replace(self._storage.path(key), target)
            except FileNotFoundError:
                if not os.path.exists(target):
                    raise

    def delete(self, keys: Iterable[str]) -> None:
        """See Store. A file that cannot be deleted does not stop the deletion of the others."""
        refused: Exception | None = None
        for key in keys:
            try:
                with self._translated(key):
                    self._storage.delete(key)
            except (StoreRefusedError, OSError) as error:
                refused = refused or error
        if refused is not None:
            raise refused

    def keys(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """See Store. Walks folder by folder. Includes the partial files that a crash leaves behind."""
        root = self._storage.path("")
        parts = tuple(after.split("/")) if after else ()
        for parent, folders, names in os.walk(os.path.join(root, prefix)):
            folder = os.path.relpath(parent, root)
            depth = len(folder.split("/"))
            # Skips folders whose files all sort before `after`.
            folders[:] = sorted(name for name in folders if (*folder.split("/"), name) >= parts[: depth + 1])
            for name in sorted(names):
                if (*folder.split("/"), name) <= parts:
                    continue
                key = f"{folder}/{name}"
                try:
                    with self._translated(key):
                        written = os.stat(os.path.join(parent, name)).st_mtime
                except FileNotFoundError:
                    continue
                yield Stored(key, datetime.fromtimestamp(written, UTC))

    def upload_target(self, upload: UUID, most: int, own: str = "") -> UploadTarget:
        """See Store. Returns this site's upload URL."""
        return UploadTarget(own or reverse("jobs:upload_body", args=[upload]))

    def download_url(self, key: str, *, name: str, media_type: str, download: bool) -> str | None:
        """See Store. Returns None: the web process serves the file."""
        return None

    def check_room(self, size: int) -> None:
        """See Store. Reserves STORE_MIN_FREE_BYTES or a tenth of the file system, whichever is less."""
        try:
            facts = os.statvfs(_existing(self._storage.path("")))
        except OSError as error:
            raise StoreUnavailableError(
                f"the free space of the file system cannot be read: {error}"
            ) from error
        if facts.f_flag & os.ST_RDONLY:
            raise StoreUnavailableError("the file system is mounted read-only")
        floor = min(settings.STORE_MIN_FREE_BYTES, int(facts.f_blocks * facts.f_frsize * _MOST_OF_ALL))
        free = facts.f_bavail * facts.f_frsize
        if free - size < floor:
            raise StoreFullError(f"{free} bytes are free, {floor} must stay free, and {size} are requested")

    def probe(self) -> None:
        """See Store. Writes, reads and deletes a small file."""
        try:
            self._probe("incoming")
        except OSError as error:
            if error.errno in _FULL:
                raise StoreFullError(str(error)) from error
            raise StoreUnavailableError(str(error)) from error

    def _probe(self, folder: str) -> None:
        # No database row refers to such a name, so the orphan sweep deletes what a crash leaves behind.
        key = f"{folder}/probe-{uuid4()}"
        self._storage.save(key, ContentFile(_PROBE))
        try:
            with open(self._storage.path(key), "rb") as file:
                if file.read() != _PROBE:
                    raise OSError(errno.EIO, "the store returned other bytes than were written")
        finally:
            self._storage.delete(key)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        """Translates file system errors into the errors of Store. Any other OSError, such as a missing file,
        passes.
        """
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise StoreFullError(str(error)) from error
            if error.errno in _AWAY:
                raise StoreUnavailableError(str(error)) from error
            if error.errno not in _EITHER:
                raise
            try:
                self._probe(key.split("/")[0])
            except OSError:
                raise StoreUnavailableError(str(error)) from error
            raise StoreRefusedError(str(error)) from error


class _RawFile(io.FileIO):
    """A stored file whose read errors are translated."""

    def __init__(self, path: str, translated: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(path, "rb")
        self._translated = translated

    def readinto(self, buffer: Any) -> int:
        """Reads into a buffer."""
        with self._translated():
            return super().readinto(buffer) or 0

    def readall(self) -> bytes:
        """Reads the rest of the file."""
        with self._translated():
            return super().readall()


class _ContentError(Exception):
    """The content to write cannot be read. This is not the store's fault."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Content(File):  # type: ignore[type-arg]  # it takes no argument at run time
    """Content to write, for example the temporary file of an upload."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[Any]:
        """Yields the content in chunks. Raises _ContentError."""
        try:
            yield from super().chunks(chunk_size)
        except OSError as error:
            raise _ContentError(error) from error


def _existing(path: str) -> str:
    """Returns the path or its nearest existing parent. The store's folder is created with the first file."""
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path
