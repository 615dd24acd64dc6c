"""The launcher's output on the terminal."""

from __future__ import annotations

import io
import sys
from typing import TextIO


class LocalRunError(Exception):
    """Stops the local run; its text is one sentence that says what to do."""


class Terminal(io.TextIOBase):
    """A stream that discards its output, instead of raising, once its terminal has been closed.

    Otherwise closing the window would end the launcher in the middle of a log line, before it has stopped the
    processes that it started.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, or discard it where the terminal is closed. Returns the number of characters
        accepted.
        """
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush the underlying stream; does nothing where the terminal is closed."""
        try:
            self._stream.flush()
        except OSError:
            return

    def isatty(self) -> bool:
        """Whether the stream supports colours."""
        return self._stream.isatty()


def say(text: str) -> None:
    """Print one line and flush it."""
    terminal = Terminal(sys.stdout)
    terminal.write(text + "\n")
    terminal.flush()
