"""The interface of every store, and the errors of a store."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, BinaryIO, Protocol
from uuid import UUID

CHUNK = 256 * 1024


class StoreUnavailableError(Exception):
    """The store does not answer or does not work. Retry later: nothing is wrong with the file."""

    code = "store_away"
    sentence = "The file store does not answer at the moment. Nothing is lost; try again in a minute."


class StoreFullError(StoreUnavailableError):
    """The store has no room for more files."""

    code = "store_full"
    sentence = (
        "This site has no room for more files at the moment. Nothing is lost, and files that you sent before "
        "are still processed. Try again later. If this continues, tell the site's administrators."
    )


class StoreRefusedError(Exception):
    """The store works and refuses this one request: a wrong key, a missing permission, a locked file.

    Retrying does not help and other files are not affected, so it is handled as an internal error.
    """


@dataclass(frozen=True)
class UploadTarget:
    """Where a client uploads a file: POST to `url`, with a form of `fields` and then the file in the field
    `file`.
    """

    url: str
    fields: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Returns the API's representation."""
        return {"method": "POST", "url": self.url, "fields": self.fields}


@dataclass(frozen=True)
class Stored:
    """An existing file and the time when it was written."""

    key: str
    written_at: datetime


class Store(Protocol):
    """Files by key. A missing file raises FileNotFoundError, an unavailable store StoreUnavailableError."""

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """Stores bytes, atomically replacing what was there."""

    def write_chunks(self, key: str, chunks: Iterator[bytes]) -> None:
        """Stores bytes of unknown length, atomically and without holding them in memory. Takes the chunks in
        the calling thread; stores nothing if they raise.
        """

    def reading(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Opens the whole file, seekable."""

    def peeking(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Opens the file, seekable, and fetches only the parts that are read. Meant for headers."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yields the file in chunks, so that it is never in memory as a whole."""

    def size(self, key: str) -> int:
        """Returns the file's size in bytes."""

    def move(self, key: str, to: str) -> None:
        """Renames the file. Does nothing if it was already renamed."""

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes files. Ignores files that do not exist."""

    def keys(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """Yields the files whose key begins with `prefix` and sorts after `after`, lazily and in a fixed
        order.
        """

    def upload_target(self, upload: UUID, most: int, own: str = "") -> UploadTarget:
        """Returns where the client sends the bytes of an upload: at most `most` of them."""

    def download_url(self, key: str, *, name: str, media_type: str, download: bool) -> str | None:
        """Returns a short-lived URL from which a browser can fetch the file; None if the web process serves
        it.
        """

    def check_room(self, size: int) -> None:
        """Raises StoreFullError if there is no room for `size` more bytes. Cheap.

        Limits new uploads only. Accepted work finishes in the reserved space.
        """

    def probe(self) -> None:
        """Raises StoreUnavailableError if the store does not work."""


class ChunkReader(io.RawIOBase):
    """Chunks as a file that is read once, from the beginning to the end."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Returns True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer from the current chunk. Returns the number of bytes, 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
