"""A full, read-only or broken file system means an unavailable store. A single bad file does not."""

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
def test_a_failed_write_raises_store_unavailable(call: str, number: int) -> None:
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
def test_other_failed_operations_raise_store_unavailable(
    call: str, act: Callable[[], object], number: int
) -> None:
    storage.write("sources/a", b"bytes")
    with failing(call, number), pytest.raises(storage.StoreUnavailableError):  # type: ignore[attr-defined]
        act()
    assert b"".join(storage.chunks("sources/a")) == b"bytes"


def test_no_space_and_no_quota_raise_store_full() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT):
        with failing("os.fsync", number), pytest.raises(storage.StoreFullError) as error:  # type: ignore[attr-defined]
            storage.write("sources/key", b"bytes")
        assert error.value.code == "store_full"


def bad_sector(key: str) -> None:
    """A file that cannot be read: the kernel returns EIO for its first page."""
    path = Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / key
    path.parent.mkdir(parents=True)
    path.symlink_to("/proc/self/mem")


def test_an_unreadable_file_raises_store_refused() -> None:
    """Otherwise one bad sector would block everybody's work for ever."""
    bad_sector("sources/key")
    for read in (
        lambda: next(storage.chunks("sources/key")),
        lambda: _whole("sources/key"),
    ):
        with pytest.raises(storage.StoreRefusedError, match="Errno 5"):
            read()
    assert stored_files() == ["sources/key"]


def test_an_unreadable_file_and_a_failed_probe_raise_store_unavailable() -> None:
    bad_sector("sources/key")
    with failing("os.fsync", errno.EIO), pytest.raises(storage.StoreUnavailableError):  # type: ignore[attr-defined]
        next(storage.chunks("sources/key"))


def test_a_failed_deletion_does_not_stop_the_others() -> None:
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
    """Content on another disk, which fails."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "the disk with the temporary files")


def test_unreadable_content_is_not_a_store_error() -> None:
    with pytest.raises(OSError, match="temporary files"):
        storage.write("sources/key", Unreadable(b"bytes"))
    assert stored_files() == []


def test_errors_of_the_caller_are_not_translated() -> None:
    storage.write("sources/key", b"bytes")
    with pytest.raises(OSError, match="my own"), storage.reading("sources/key"):
        raise OSError(errno.ENOSPC, "my own")


def test_read_seek_and_readinto() -> None:
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


# -- Room for new uploads --------------------------------------------------------------------------


def test_check_room_reserves_the_configured_space(settings: object) -> None:
    settings.STORE_MIN_FREE_BYTES = 1000  # type: ignore[attr-defined]
    with file_system(free=1500, total=100_000):
        storage.check_room(500)
        with pytest.raises(storage.StoreFullError, match="1500 bytes are free, 1000 must stay free, and 501"):
            storage.check_room(501)
        storage.write("sources/key", b"x" * 2000)


def test_check_room_reserves_a_tenth_of_a_small_file_system(settings: object) -> None:
    settings.STORE_MIN_FREE_BYTES = 512 * 2**20  # type: ignore[attr-defined]
    with file_system(free=1500, total=10_000):
        storage.check_room(500)
        with pytest.raises(storage.StoreFullError, match="1000 must stay free"):
            storage.check_room(501)


def test_check_room_refuses_a_read_only_file_system() -> None:
    with (
        file_system(free=10_000, total=10_000, read_only=True),
        pytest.raises(storage.StoreUnavailableError, match="read-only"),
    ):
        storage.check_room(0)


def test_check_room_of_an_empty_store() -> None:
    storage.check_room(1)
    assert stored_files() == []


# -- The probe -------------------------------------------------------------------------------------


def test_the_probe_leaves_no_file() -> None:
    storage.probe()
    assert stored_files() == []


@pytest.mark.parametrize("number", ALL, ids=errno.errorcode.get)
def test_the_probe_finds_every_error(number: int) -> None:
    with failing("os.fsync", number), pytest.raises(storage.StoreUnavailableError):  # type: ignore[attr-defined]
        storage.probe()
