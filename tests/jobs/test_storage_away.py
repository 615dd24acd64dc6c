"""A file system that is full, read-only or broken: the store is away. One bad file alone is not the store."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings

from jobs import storage
from jobs.storage.files import _RawFile
from tests.jobs.factories import stored_files
from tests.jobs.filesystems import file_system

ALL = [
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.ESTALE,
    errno.ENOTCONN,
]


def failing(call: str, number: int) -> object:
    return patch(call, side_effect=OSError(number, os.strerror(number)))


@pytest.mark.parametrize("number", ALL, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["os.makedirs", "tempfile.NamedTemporaryFile", "os.fsync", "os.replace"])
def test_a_write_says_that_the_store_is_away(call: str, number: int) -> None:
    with failing(call, number), pytest.raises(storage.StoreUnavailableError, match=f"Errno {number}"):  # type: ignore[attr-defined]
        storage.write("sources/key", b"bytes")
    assert stored_files() == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.ESTALE], ids=errno.errorcode.get)
@pytest.mark.parametrize(
    ("call", "act"),
    [
        ("os.replace", lambda: storage.move("sources/a", "sources/b")),
        ("os.remove", lambda: storage.delete(["sources/a"])),
        ("os.path.getsize", lambda: storage.size("sources/a")),
        ("jobs.storage.files._RawFile.__init__", lambda: next(storage.chunks("sources/a"))),
        ("os.stat", lambda: next(storage.keys("sources/"))),
    ],
)
def test_so_does_everything_else(call: str, act: Callable[[], object], number: int) -> None:
    storage.write("sources/a", b"bytes")
    with failing(call, number), pytest.raises(storage.StoreUnavailableError):  # type: ignore[attr-defined]
        act()
    assert b"".join(storage.chunks("sources/a")) == b"bytes"


def test_no_space_and_no_quota_is_a_full_store() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT):
        with failing("os.fsync", number), pytest.raises(storage.StoreFullError) as error:  # type: ignore[attr-defined]
            storage.write("sources/key", b"bytes")
        assert error.value.code == "store_full"


def bad_sector(key: str) -> None:
    """A file that cannot be read: the kernel answers EIO for the first page of this one."""
    path = Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / key
    path.parent.mkdir(parents=True)
    path.symlink_to("/proc/self/mem")


def test_one_file_that_cannot_be_read_is_not_the_store() -> None:
    """Otherwise one bad sector would stop the work of everybody for ever."""
    bad_sector("sources/key")
    for read in (
        lambda: next(storage.chunks("sources/key")),
        lambda: _whole("sources/key"),
    ):
        with pytest.raises(storage.StoreRefusedError, match="Errno 5"):
            read()
    assert stored_files() == ["sources/key"]


def test_where_nothing_else_works_either_it_is_the_store() -> None:
    bad_sector("sources/key")
    with failing("os.fsync", errno.EIO), pytest.raises(storage.StoreUnavailableError):  # type: ignore[attr-defined]
        next(storage.chunks("sources/key"))


def test_one_file_that_may_not_be_deleted_keeps_no_other() -> None:
    for key in ("sources/a", "sources/b", "sources/c"):
        storage.write(key, b"bytes")
    remove = os.remove

    def forbidden(path: str) -> None:
        if path.endswith("/b"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        remove(path)

    with patch("os.remove", forbidden), pytest.raises(storage.StoreRefusedError):
        storage.delete(["sources/a", "sources/b", "sources/c"])
    assert stored_files() == ["sources/b"]


class Unreadable(io.BytesIO):
    """Content on another disk, which breaks."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "the disk with the temporary files")


def test_content_that_cannot_be_read_is_not_the_store() -> None:
    with pytest.raises(OSError, match="temporary files"):
        storage.write("sources/key", Unreadable(b"bytes"))
    assert stored_files() == []


def test_what_the_reader_of_a_file_raises_stays_as_it_is() -> None:
    storage.write("sources/key", b"bytes")
    with pytest.raises(OSError, match="my own"), storage.reading("sources/key"):
        raise OSError(errno.ENOSPC, "my own")


def test_a_file_is_read_in_every_way() -> None:
    storage.write("sources/key", b"0123456789")
    with storage.reading("sources/key") as file:
        assert isinstance(getattr(file, "raw", None), _RawFile)
        assert file.read(3) == b"012"
        assert file.read() == b"3456789"
        file.seek(-2, io.SEEK_END)
        buffer = bytearray(4)
        assert (file.readinto(buffer), bytes(buffer)) == (2, b"89\0\0")  # type: ignore[attr-defined]
    assert _whole("sources/key") == b"0123456789"


def _whole(key: str) -> bytes:
    with storage.reading(key) as file:
        return file.read()


# -- Room for what comes in ------------------------------------------------------------------------


def test_what_must_stay_free_stays_free(settings: object) -> None:
    settings.STORE_MIN_FREE_BYTES = 1000  # type: ignore[attr-defined]
    with file_system(free=1500, total=100_000):
        storage.check_room(500)
        with pytest.raises(storage.StoreFullError, match="1500 bytes are free, 1000 must stay free, and 501"):
            storage.check_room(501)
        storage.write("sources/key", b"x" * 2000)


def test_of_a_small_file_system_a_tenth_stays_free(settings: object) -> None:
    settings.STORE_MIN_FREE_BYTES = 512 * 2**20  # type: ignore[attr-defined]
    with file_system(free=1500, total=10_000):
        storage.check_room(500)
        with pytest.raises(storage.StoreFullError, match="1000 must stay free"):
            storage.check_room(501)


def test_a_read_only_file_system_takes_nothing() -> None:
    with (
        file_system(free=10_000, total=10_000, read_only=True),
        pytest.raises(storage.StoreUnavailableError, match="read-only"),
    ):
        storage.check_room(0)


def test_the_room_of_a_store_without_a_file_is_known() -> None:
    storage.check_room(1)
    assert stored_files() == []


# -- The probe -------------------------------------------------------------------------------------


def test_the_probe_leaves_nothing() -> None:
    storage.probe()
    assert stored_files() == []


@pytest.mark.parametrize("number", ALL, ids=errno.errorcode.get)
def test_the_probe_finds_whatever_is_wrong(number: int) -> None:
    with failing("os.fsync", number), pytest.raises(storage.StoreUnavailableError):  # type: ignore[attr-defined]
        storage.probe()
