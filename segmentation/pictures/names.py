"""What may be a picture by its name or first bytes: one list for the command line, the page and the server.

Files that a person names are judged by their bytes alone. This list is for folders and file pickers, where
other files lie around.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from segmentation.pictures.types import FORMATS

# Without the dot, in lower case.
SUFFIXES: Final = tuple(suffix for one in FORMATS.values() for suffix in one.suffixes)
SIGNATURES: Final = tuple(dict.fromkeys(place for one in FORMATS.values() for place in one.signatures))
# How many of a file's first bytes starts_like_picture needs.
HEAD_BYTES: Final = 16
# An HTML input's `accept`: "image/*" alone lacks the types that a browser does not know.
ACCEPT: Final = ",".join(("image/*", *(f".{suffix}" for suffix in SUFFIXES)))


def for_page() -> dict[str, str]:
    """The list for a file input and the script beside it. A signature is its offset and bytes: 4:66747970."""
    signatures = " ".join(f"{at}:{start.hex()}" for at, start in SIGNATURES)
    return {"accept": ACCEPT, "suffixes": " ".join(SUFFIXES), "signatures": signatures}


def is_hidden(name: str) -> bool:
    """Whether a folder's listing leaves this file out: `._photo.jpg` of macOS is notes about photo.jpg."""
    return PurePath(name.replace("\\", "/")).name.startswith(".")


def is_sidecar(name: str) -> bool:
    """Whether this is a file in which macOS keeps notes about another."""
    return PurePath(name.replace("\\", "/")).name.startswith("._")


def may_be_picture(name: str) -> bool | None:
    """Whether a file in a folder is meant, by its name; None where it has no suffix and its bytes decide."""
    if is_hidden(name):
        return False
    suffix = PurePath(name.replace("\\", "/")).suffix
    return suffix[1:].lower() in SUFFIXES if suffix else None


def starts_like_picture(head: bytes) -> bool:
    """Whether the first HEAD_BYTES bytes of a file are those of a format that we take."""
    return any(head[at : at + len(start)] == start for at, start in SIGNATURES)
