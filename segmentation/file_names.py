"""Names of result files: one rule for the site's downloads and the command line."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

# In bytes. Short enough that `name (5000).webp` fits the 255 bytes that file systems allow.
MAX_BYTES: Final = 240
# In characters, including the dot. A longer one is not a suffix but a sentence with a full stop in it.
MAX_SUFFIX: Final = 16
UNNAMED: Final = "picture"


def cut(text: str, most: int) -> str:
    """Truncates a text to at most `most` bytes of UTF-8, never inside a character."""
    size = 0
    for end, character in enumerate(text):
        # File names may contain bytes that are not UTF-8; Python represents them as lone surrogates.
        size += len(character.encode("utf-8", "surrogatepass"))
        if size > most:
            return text[:end]
    return text


def shortened(name: str) -> str:
    """Shortens a file name to at most MAX_BYTES bytes; keeps its suffix."""
    suffix = PurePosixPath(name).suffix
    if len(suffix) > MAX_SUFFIX:
        suffix = ""
    room = MAX_BYTES - len(suffix.encode("utf-8", "surrogatepass"))
    return cut(name.removesuffix(suffix), room) + suffix


def with_extension(name: str, extension: str) -> str:
    """Returns the original name with another extension: `cat.jpeg` → `cat.png`."""
    return f"{PurePosixPath(name).stem.rstrip('. ') or UNNAMED}.{extension}"
