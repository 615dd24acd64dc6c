"""Writes files whole or not at all, and replaces none that nobody said may be replaced."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from segmentation.errors import SegmentationError


def exists(path: Path) -> bool:
    """Whether something has this name, a link that leads nowhere included. Raises OSError where nothing can
    be asked, as for a name that is too long."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_device(path: Path) -> bool:
    """Whether this is a pipe or a device (/dev/null): it is read and written in place, never replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def taken(path: Path, ways: str) -> SegmentationError:
    """What is said of a name that something has; ways: what a person may do about it."""
    return SegmentationError("file_exists", f"{path} is there already and was left as it is. {ways}")


def write_file(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file: an interrupted run leaves no half file under its name.

    overwrite: a file of that name is replaced; a link is replaced, not what it leads to. Else raises
    FileExistsError, also where another program made the file a moment ago.
    """
    if is_device(path):
        path.write_bytes(data)
        return
    # A name of its own each time: two runs at once never write into the same file.
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        if overwrite:
            os.replace(part, path)
        else:
            _put(part, path)
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, path: Path) -> None:
    """Give a finished file its name, unless something has it."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        # File systems without hard links: an empty file holds the name until the finished one replaces it.
        path.open("xb").close()
        try:
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
