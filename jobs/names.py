"""User-supplied file names, made safe to store, show and download."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from common.text import is_visible, one_line
from segmentation.file_names import MAX_BYTES, UNNAMED, cut, shortened, with_extension

__all__ = (
    "MAX_LENGTH", "UNNAMED", "clean", "cut", "folder", "of_title", "one_line", "portable", "unique",
    "with_extension",
)  # fmt: skip

# In characters; every character takes at least one byte.
MAX_LENGTH = MAX_BYTES
# How many folders of a path are kept, and how many bytes of each.
FOLDERS = 8
FOLDER_BYTES = 60

# Names and characters reserved by Windows: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_UNPORTABLE = str.maketrans(dict.fromkeys('<>:"|?*', "_"))


def clean(name: str) -> str:
    """Returns the last part of a path: no folders, no control or direction characters, NFC."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in unicodedata.normalize("NFC", last) if is_visible(c)).strip()
    if shown in {"", ".", ".."}:
        return UNNAMED
    return shortened(shown)


def of_title(title: str) -> str:
    """Returns a title as a file or folder name that every system accepts."""
    return portable(one_line(title).translate(str.maketrans("/\\", "__")))


def folder(path: str) -> str:
    """Returns the folders of a path for an archive: `shoes/red`, or "" where there are none.

    Parts such as `..` are dropped, so that no path leaves the archive; every part is portable.
    """
    parts = [part for part in path.replace("\\", "/").split("/")[:-1] if part.strip(". \t")]
    kept = [portable(cut(clean(part), FOLDER_BYTES)) for part in parts[:FOLDERS]]
    return "/".join(kept)


def portable(name: str) -> str:
    """Returns the name as every system, including Windows, can write it: for archives."""
    plain = name.translate(_UNPORTABLE).rstrip(". ") or UNNAMED
    return f"_{plain}" if _RESERVED.match(plain) else plain


def unique(names: Iterable[str]) -> Iterator[str]:
    """Yields the names in order; adds a number to a repeated one (`cat.png`, `cat (2).png`) and to one that
    is also another's folder.

    Ignores case, as some file systems do.
    """
    names = list(names)
    taken = {str(above).casefold() for name in names for above in PurePosixPath(name).parents}
    # The last number used for each name: thousands of pasted pictures share one name.
    last: dict[str, int] = {}
    for name in names:
        folded = name.casefold()
        candidate, number = name, last.get(folded, 1)
        while candidate.casefold() in taken:
            number += 1
            path = PurePosixPath(name)
            candidate = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        last[folded] = number
        taken.add(candidate.casefold())
        yield candidate
