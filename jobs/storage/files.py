"""The file system as a store: what a single machine has by default."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, BinaryIO, cast
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.urls import reverse

from jobs.storage.store import CHUNK, Stored, UploadTarget


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


class FileStore:
    """Files in a folder that no web server shows; the web process hands them out itself."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """See Store."""
        wrapped = ContentFile(content) if isinstance(content, bytes) else File(content)
        saved = self._storage.save(key, wrapped)
        if saved != key:
            raise RuntimeError(f"the store put {key} under {saved}")

    @contextmanager
    def reading(self, key: str) -> Iterator[BinaryIO]:
        """See Store."""
        with self._storage.open(key, "rb") as file:
            yield cast(BinaryIO, file)

    peeking = reading

    def chunks(self, key: str) -> Iterator[bytes]:
        """See Store."""
        with self.reading(key) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def size(self, key: str) -> int:
        """See Store."""
        return self._storage.size(key)

    def move(self, key: str, to: str) -> None:
        """See Store."""
        target = self._storage.path(to)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.replace(self._storage.path(key), target)
        except FileNotFoundError:
            if not os.path.exists(target):
                raise

    def delete(self, keys: Iterable[str]) -> None:
        """See Store."""
        for key in keys:
            self._storage.delete(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """See Store. Folder by folder; half-written files of a crash are among them."""
        root = self._storage.path("")
        parts = tuple(after.split("/")) if after else ()
        for parent, folders, names in os.walk(os.path.join(root, prefix)):
            folder = os.path.relpath(parent, root)
            depth = len(folder.split("/"))
            # A folder that lies before `after` as a whole is not entered.
            folders[:] = sorted(name for name in folders if (*folder.split("/"), name) >= parts[: depth + 1])
            for name in sorted(names):
                if (*folder.split("/"), name) <= parts:
                    continue
                try:
                    written = os.stat(os.path.join(parent, name)).st_mtime
                except FileNotFoundError:
                    continue
                yield Stored(f"{folder}/{name}", datetime.fromtimestamp(written, UTC))

    def upload_target(self, upload: UUID, most: int, own: str = "") -> UploadTarget:
        """See Store: our own address."""
        return UploadTarget(own or reverse("jobs:upload_body", args=[upload]))

    def download_url(self, key: str, *, name: str, media_type: str, download: bool) -> str | None:
        """See Store: none, the web serves it."""
        return None
