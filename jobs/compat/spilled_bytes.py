"""Keeps bytes that a waiting request may need again in an anonymous temporary file instead of in memory."""

from __future__ import annotations

import tempfile
from typing import IO, Final

IN_MEMORY: Final = 64 * 2**10


class SpilledBytes:
    """Some bytes. The file disappears with this object or its process."""

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data if len(data) <= IN_MEMORY else None
        self._file: IO[bytes] | None = None
        if self._data is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with this object
            self._file.write(data)

    def read(self) -> bytes:
        """All bytes. Blocks."""
        if self._file is None:
            return self._data or b""
        self._file.seek(0)
        return self._file.read()
