"""Recognises picture files by name or first bytes: one list for the command line, the page and the server.

A file that a person names explicitly is judged by its bytes alone. This list is for folders and file pickers,
which contain other files, too.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from segmentation.pictures.types import FORMATS

# Lower case, without the dot.
SUFFIXES: Final = tuple(suffix for one in FORMATS.values() for suffix in one.suffixes)
SIGNATURES: Final = tuple(dict.fromkeys(place for one in FORMATS.values() for place in one.signatures))
# The number of first bytes that starts_like_picture needs.
HEAD_BYTES: Final = 16
# An HTML input's `accept`: "image/*" alone excludes types that the browser does not know.
ACCEPT: Final = ",".join(("image/*", *(f".{suffix}" for suffix in SUFFIXES)))


def for_page() -> dict[str, str]:
    """Returns the list for a file input and its script. A signature is its offset and bytes: 4:66747970."""
    signatures = " ".join(f"{at}:{start.hex()}" for at, start in SIGNATURES)
    return {"accept": ACCEPT, "suffixes": " ".join(SUFFIXES), "signatures": signatures}


def is_hidden(name: str) -> bool:
    """Whether a folder's listing skips this file: macOS's `._photo.jpg` holds metadata about photo.jpg."""
    return PurePath(name.replace("\\", "/")).name.startswith(".")


def is_sidecar(name: str) -> bool:
    """Whether this is a macOS metadata file about another file."""
    return PurePath(name.replace("\\", "/")).name.startswith("._")


def may_be_picture(name: str) -> bool | None:
    """Whether a file in a folder counts as a picture by its name; None if it has no suffix and its bytes
    decide.
    """
    if is_hidden(name):
        return False
    suffix = PurePath(name.replace("\\", "/")).suffix
    return suffix[1:].lower() in SUFFIXES if suffix else None


def starts_like_picture(head: bytes) -> bool:
    """Whether the first HEAD_BYTES bytes of a file are those of a supported format."""
    return any(head[at : at + len(start)] == start for at, start in SIGNATURES)
