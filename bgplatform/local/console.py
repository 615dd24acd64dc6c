"""What the launcher says to the person at the terminal."""

from __future__ import annotations

import io
import sys
from typing import TextIO


class LocalRunError(Exception):
    """Something that stops the local run; its text is one sentence that says what to do."""


class Terminal(io.TextIOBase):
    """A stream that goes silent, instead of raising, once its terminal has been closed.

    Without this, closing the window would end the launcher in the middle of a log line, before it has stopped
    what it started.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`; a terminal that is gone swallows it. Returns the number of characters taken."""
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush the stream below, or nothing where it is gone."""
        try:
            self._stream.flush()
        except OSError:
            return

    def isatty(self) -> bool:
        """Whether colours make sense here."""
        return self._stream.isatty()


def say(text: str) -> None:
    """Print one line for the person, at once."""
    terminal = Terminal(sys.stdout)
    terminal.write(text + "\n")
    terminal.flush()
