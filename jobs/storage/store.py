"""What every store can do, in the words of this room, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, BinaryIO, Protocol
from uuid import UUID

CHUNK = 256 * 1024


class StoreUnavailableError(Exception):
    """The store does not answer, or refuses to work. Wait and try again: nothing is wrong with the file."""

    code = "store_away"
    sentence = "The file store does not answer at the moment. Nothing is lost; try again in a minute."


class StoreFullError(StoreUnavailableError):
    """The store has no room for more files."""

    code = "store_full"
    sentence = (
        "This site has no room for more files at the moment. Nothing is lost, and what was sent is worked "
        "on. Try again later; if it stays so, tell the people who run the site."
    )


class StoreRefusedError(Exception):
    """The store is there and refuses this one request: a wrong key, a right that is missing, a locked file.

    Waiting does not help, and other files are none of its business: it is a fault like any other of ours.
    """


@dataclass(frozen=True)
class UploadTarget:
    """Where a client sends a file: a form of `fields`, then the file as field `file`, by POST to `url`."""

    url: str
    fields: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """As it goes over the wire."""
        return {"method": "POST", "url": self.url, "fields": self.fields}


@dataclass(frozen=True)
class Stored:
    """A file that is there, and when it was written."""

    key: str
    written_at: datetime


class Store(Protocol):
    """Files by key. A missing one is a FileNotFoundError, a store that is away a StoreUnavailableError."""

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """Store bytes; what was there is replaced as a whole."""

    def reading(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The whole file, seekable."""

    def peeking(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The same, seekable, fetching no more than what is read of it: for headers."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """The file piece by piece, none of it held longer than needed."""

    def size(self, key: str) -> int:
        """Its bytes."""

    def move(self, key: str, to: str) -> None:
        """Give the file another key; again, if it was done already, does nothing."""

    def delete(self, keys: Iterable[str]) -> None:
        """Delete files; one that is gone already is as good as deleted."""

    def keys(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """The files whose key begins with `prefix` and comes after `after`, in one fixed order, lazily."""

    def upload_target(self, upload: UUID, most: int, own: str = "") -> UploadTarget:
        """Where the bytes of an upload go, straight from the client: at most `most` of them."""

    def download_url(self, key: str, *, name: str, media_type: str, download: bool) -> str | None:
        """A short-lived address from which a browser may fetch the file itself; None: the web serves it."""

    def check_room(self, size: int) -> None:
        """Raise StoreFullError where there is no room to take `size` bytes in. Costs next to nothing.

        For what comes in. Work in hand is ended in the room that is kept free.
        """

    def probe(self) -> None:
        """Raise StoreUnavailableError where the store does not work."""
