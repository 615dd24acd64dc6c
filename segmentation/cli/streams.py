"""Standard input and output as a picture's source and target: bytes, and nothing else between them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from segmentation.cli.checks import reason
from segmentation.cli.finding import Found
from segmentation.cli.writing import is_device
from segmentation.errors import PictureError, SegmentationError
from segmentation.pictures.types import PictureSource

# A pipe does not say how much will come, and the disk has an end.
STREAM_BYTES: Final = 2**30


@contextmanager
def opened(source: Found) -> Iterator[PictureSource]:
    """The picture as the engine reads it: its path, or a temporary file with all that a pipe gave."""
    if source.stdin:
        if sys.stdin is None:
            raise SegmentationError("no_stdin", "Standard input is closed: send the picture through a pipe.")
        with _copied(sys.stdin.buffer) as file:
            yield file
    elif is_device(source.path):  # as <(command) of a shell
        with source.path.open("rb") as pipe, _copied(pipe) as file:
            yield file
    else:
        yield source.path


@contextmanager
def _copied(pipe: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(_Bounded(pipe), file)
        file.seek(0)
        yield file


class _Bounded:
    """Reads a pipe and refuses one that does not end."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._room = STREAM_BYTES

    def read(self, size: int = -1) -> bytes:
        piece = self._pipe.read(size)
        self._room -= len(piece)
        if self._room < 0:
            sentence = f"More than {STREAM_BYTES / 1e6:.0f} MB came through the pipe: name a file instead."
            raise PictureError("too_many_bytes", sentence)
        return piece


def write_stdout(data: bytes) -> None:
    """Write all of it, past Python's buffer, which would complain again at exit where nobody reads.

    Raises SegmentationError `cannot_write`.
    """
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
    except OSError as error:  # no fault of the picture
        sentence = f"Standard output cannot be written: {reason(error)}"
        raise SegmentationError("cannot_write", sentence) from error
