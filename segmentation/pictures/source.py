"""Random access to an untrusted file: bytes, a path or a seekable binary file, with the same calls."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from segmentation.pictures import refusals
from segmentation.pictures.types import Limits, PictureSource


class Source:
    """A file of known size, read at positions. Buffers nothing beyond what is requested."""

    def __init__(self, stream: BinaryIO, size: int, limits: Limits) -> None:
        self._stream = stream
        self.size = size
        self.limits = limits
        self.label = "picture"

    def read_at(self, offset: int, count: int) -> bytes:
        """Returns up to `count` bytes from `offset`; fewer, or none, at the end of the file."""
        if offset >= self.size or count <= 0:
            return b""
        self._stream.seek(offset)
        return self._stream.read(min(count, self.size - offset))

    def read_exactly(self, offset: int, count: int) -> bytes:
        """Returns exactly `count` bytes from `offset`. Raises PictureError `truncated_picture`."""
        piece = self.read_at(offset, count)
        if len(piece) != count:
            raise refusals.truncated_picture(self.label)
        return piece

    def check_size(self, width: int, height: int) -> None:
        """Raises PictureError `too_large_side` or `too_many_pixels`. Every reader calls it as soon as it has
        the size.
        """
        if max(width, height) > self.limits.max_side:
            raise refusals.too_large_side(width, height, self.limits)
        if width * height > self.limits.max_pixels:
            raise refusals.too_many_pixels(width, height, self.limits)

    def read_all(self) -> bytes:
        """Returns the whole file; its size was checked against the limits on opening."""
        return self.read_exactly(0, self.size)


class Part(Source):
    """A file inside another file: `size` bytes from `start`."""

    def __init__(self, whole: Source, start: int, size: int) -> None:
        super().__init__(whole._stream, size, whole.limits)
        self._start = start

    def read_at(self, offset: int, count: int) -> bytes:
        """See Source.read_at."""
        if offset >= self.size or count <= 0:
            return b""
        self._stream.seek(self._start + offset)
        return self._stream.read(min(count, self.size - offset))


@contextmanager
def open_picture(file: PictureSource, limits: Limits) -> Iterator[Source]:
    """Opens `file` for reading and checks its size. Restores the position of a passed file object.

    Raises PictureError `empty_file` or `too_many_bytes`, and OSError if a path cannot be read, which says
    nothing about the picture and is the caller's to handle.
    """
    if isinstance(file, bytes | bytearray | memoryview):
        stream: BinaryIO = io.BytesIO(file)
        yield _sized_source(stream, limits)
    elif isinstance(file, str | os.PathLike):
        with open(file, "rb") as stream:
            yield _sized_source(stream, limits)
    else:
        stream = file
        before = stream.tell()
        try:
            yield _sized_source(stream, limits)
        finally:
            stream.seek(before)


def _sized_source(stream: BinaryIO, limits: Limits) -> Source:
    size = stream.seek(0, os.SEEK_END)
    if size == 0:
        raise refusals.empty_file()
    if size > limits.max_bytes:
        raise refusals.too_many_bytes(size, limits)
    return Source(stream, size, limits)
