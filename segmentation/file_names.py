"""Names of result files: one rule for the site's downloads and the command line."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

# In bytes. Short enough that `name (5000).webp` fits the 255 bytes that file systems allow.
MAX_BYTES: Final = 240
# In characters, with its dot. A longer one is no suffix, but a sentence with a full stop in it.
LONGEST_SUFFIX: Final = 16
UNNAMED: Final = "picture"


def cut(text: str, most: int) -> str:
    """The beginning of a text that has at most so many bytes in UTF-8; no character is cut in two."""
    size = 0
    for end, character in enumerate(text):
        # Names of files may hold bytes that are no UTF-8; Python has lone surrogates for them.
        size += len(character.encode("utf-8", "surrogatepass"))
        if size > most:
            return text[:end]
    return text


def shortened(name: str) -> str:
    """A file name of at most MAX_BYTES bytes; its suffix is kept."""
    suffix = PurePosixPath(name).suffix
    if len(suffix) > LONGEST_SUFFIX:
        suffix = ""
    room = MAX_BYTES - len(suffix.encode("utf-8", "surrogatepass"))
    return cut(name.removesuffix(suffix), room) + suffix


def with_extension(name: str, extension: str) -> str:
    """The original name with another extension: `cat.jpeg` → `cat.png`."""
    return f"{PurePosixPath(name).stem.rstrip('. ') or UNNAMED}.{extension}"
