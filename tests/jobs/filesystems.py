"""Fake file systems of any size, for tests of a full disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def file_system(*, free: int, total: int = 100 * 2**30, read_only: bool = False) -> Iterator[None]:
    """Every file system reports this size and free space within the block."""
    flags = os.ST_RDONLY if read_only else 0
    facts = os.statvfs_result((1, 1, total, free, free, 0, 0, 0, flags, 255))
    with patch("os.statvfs", return_value=facts):
        yield
