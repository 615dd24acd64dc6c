"""Reads an untrusted file by position: bytes, a path or a seekable binary file, all by the same calls."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from segmentation.pictures import refusals
from segmentation.pictures.types import Limits, PictureSource


class Source:
    """A file of known size that is read at positions. Holds no more than what is asked for."""

    def __init__(self, stream: BinaryIO, size: int, limits: Limits) -> None:
        self._stream = stream
        self.size = size
        self.limits = limits
        self.label = "picture"

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer, or none, where the file ends."""
        if offset >= self.size or count <= 0:
            return b""
        self._stream.seek(offset)
        return self._stream.read(min(count, self.size - offset))

    def need(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes from `offset`, else PictureError `truncated_picture`."""
        piece = self.at(offset, count)
        if len(piece) != count:
            raise refusals.truncated_picture(self.label)
        return piece

    def check_size(self, width: int, height: int) -> None:
        """Raises PictureError `too_large_side` or `too_many_pixels`; every reader calls it once it knows."""
        if max(width, height) > self.limits.max_side:
            raise refusals.too_large_side(width, height, self.limits)
        if width * height > self.limits.max_pixels:
            raise refusals.too_many_pixels(width, height, self.limits)

    def all(self) -> bytes:
        """The whole file; its size was checked against the limits when it was opened."""
        return self.need(0, self.size)


class Part(Source):
    """A file inside of another: `size` bytes from `start`."""

    def __init__(self, whole: Source, start: int, size: int) -> None:
        super().__init__(whole._stream, size, whole.limits)
        self._start = start

    def at(self, offset: int, count: int) -> bytes:
        """See Source.at."""
        if offset >= self.size or count <= 0:
            return b""
        self._stream.seek(self._start + offset)
        return self._stream.read(min(count, self.size - offset))


@contextmanager
def opened(file: PictureSource, limits: Limits) -> Iterator[Source]:
    """Opens `file` for reading and checks its size; the position of a file that was passed in is kept.

    Raises PictureError `empty_file` or `too_many_bytes`; OSError where a path cannot be read, which says
    nothing about the picture and is the caller's to handle.
    """
    if isinstance(file, bytes | bytearray | memoryview):
        stream: BinaryIO = io.BytesIO(file)
        yield _measured(stream, limits)
    elif isinstance(file, str | os.PathLike):
        with open(file, "rb") as stream:
            yield _measured(stream, limits)
    else:
        stream = file
        before = stream.tell()
        try:
            yield _measured(stream, limits)
        finally:
            stream.seek(before)


def _measured(stream: BinaryIO, limits: Limits) -> Source:
    size = stream.seek(0, os.SEEK_END)
    if size == 0:
        raise refusals.empty_file()
    if size > limits.max_bytes:
        raise refusals.too_many_bytes(size, limits)
    return Source(stream, size, limits)
