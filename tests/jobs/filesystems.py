"""File systems of any size, for tests of what happens where one is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def file_system(*, free: int, total: int = 100 * 2**30, read_only: bool = False) -> Iterator[None]:
    """A block in which every file system says that it has so many bytes."""
    flags = os.ST_RDONLY if read_only else 0
    facts = os.statvfs_result((1, 1, total, free, free, 0, 0, 0, flags, 255))
    with patch("os.statvfs", return_value=facts):
        yield
