"""File storage: deterministic keys and atomic writes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation

from jobs import storage
from jobs.storage.store import CHUNK
from tests.jobs.factories import stored_files

PICTURE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


class Breaking(io.BytesIO):
    """Returns a part of its content and then fails, like a broken connection."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError("gone in the middle")
        return super().read(4)


def test_keys_derive_from_picture_revision_and_recipe() -> None:
    assert storage.thumb_key(PICTURE) == f"thumbs/{PICTURE}.webp"
    assert storage.matte_key(PICTURE, 2) == f"mattes/{PICTURE}/2.png"
    assert storage.rendition_key(PICTURE, 2, "ab" * 32, "jpg") == f"renditions/{PICTURE}/2-{'ab' * 16}.jpg"
    assert storage.preview_key(PICTURE, 2, "ab" * 32) == f"previews/{PICTURE}/2-{'ab' * 16}.webp"


def test_written_files_can_be_read() -> None:
    storage.write("a/b.bin", b"bytes")
    storage.write("a/c.bin", io.BytesIO(b"from a file"))
    with storage.reading("a/b.bin") as file:
        assert file.read() == b"bytes"
    assert storage.size("a/c.bin") == 11
    assert stored_files() == ["a/b.bin", "a/c.bin"]


def test_a_second_write_replaces_the_file() -> None:
    storage.write("key", b"a longer first version")
    storage.write("key", b"short")
    assert b"".join(storage.chunks("key")) == b"short"
    assert stored_files() == ["key"]


def test_a_failed_write_keeps_the_old_file() -> None:
    storage.write("key", b"the old bytes")
    with pytest.raises(OSError, match="gone in the middle"):
        storage.write("key", Breaking(b"the new bytes that never come whole"))
    assert b"".join(storage.chunks("key")) == b"the old bytes"
    assert stored_files() == ["key"]


def test_a_full_disk_leaves_no_partial_file() -> None:
    with (
        patch("os.fsync", side_effect=OSError(28, "No space left on device")),
        pytest.raises(storage.StoreFullError, match="No space left"),
    ):
        storage.write("folder/key", b"bytes")
    assert stored_files() == []


def test_files_are_read_in_chunks() -> None:
    content = os.urandom(CHUNK * 2 + 5)
    storage.write("key", content)
    pieces = list(storage.chunks("key"))
    assert [len(piece) for piece in pieces] == [CHUNK, CHUNK, 5]
    assert b"".join(pieces) == content


def test_moving_a_file_is_idempotent() -> None:
    storage.write("from", b"1")
    storage.move("from", "folder/to")
    assert stored_files() == ["folder/to"]
    storage.move("from", "folder/to")
    assert stored_files() == ["folder/to"]
    with pytest.raises(FileNotFoundError):
        storage.move("from", "elsewhere")


def test_missing_files_raise_file_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        storage.size("nothing")
    with pytest.raises(FileNotFoundError), storage.reading("nothing"):
        pass
    with pytest.raises(FileNotFoundError):
        next(storage.chunks("nothing"))


def test_deleting_missing_files_is_no_error() -> None:
    storage.write("here", b"1")
    storage.delete(["gone", "here", "gone/too"])
    assert stored_files() == []


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/passwd"])
def test_keys_outside_the_store_are_refused(key: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage.write(key, b"1")
    with pytest.raises(SuspiciousFileOperation):
        storage.size(key)
    assert not (Path(settings.STORAGES["default"]["OPTIONS"]["location"]).parent / "outside").exists()
