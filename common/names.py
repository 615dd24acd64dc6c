"""File names that people gave, made safe to store, show and send back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from segmentation.file_names import MAX_BYTES, UNNAMED, cut, shortened, with_extension

__all__ = (
    "MAX_LENGTH", "UNNAMED", "clean", "cut", "folder", "of_title", "one_line", "portable", "unique",
    "with_extension",
)  # fmt: skip

# In characters; no character has less than a byte.
MAX_LENGTH = MAX_BYTES
# Of a path no more than so many folders are kept, each cut to so many bytes.
FOLDERS = 8
FOLDER_BYTES = 60

# Names and characters that Windows keeps for itself: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_UNPORTABLE = str.maketrans(dict.fromkeys('<>:"|?*', "_"))


def clean(name: str) -> str:
    """The last part of a path as people know it: no folders, no control or direction characters, NFC."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in unicodedata.normalize("NFC", last) if _visible(c)).strip()
    if shown in {"", ".", ".."}:
        return UNNAMED
    return shortened(shown)


def one_line(text: str) -> str:
    """Text as people typed it, in one line: no control or direction characters, single spaces, NFC."""
    normal = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if _visible(c) else " " for c in normal).split())


def of_title(title: str) -> str:
    """A title as the name of a file or folder on every system."""
    return portable(one_line(title).translate(str.maketrans("/\\", "__")))


def folder(path: str) -> str:
    """The folders of a path as an archive may hold them: `shoes/red`, or "" where there are none.

    What leads up or nowhere is dropped, so that no path leaves the archive; every part is portable.
    """
    parts = [part for part in path.replace("\\", "/").split("/")[:-1] if part.strip(". \t")]
    kept = [portable(cut(clean(part), FOLDER_BYTES)) for part in parts[:FOLDERS]]
    return "/".join(kept)


def _visible(character: str) -> bool:
    # Besides the controls (C…) there are two characters that end a line or a paragraph.
    return unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in {"Zl", "Zp"}


def portable(name: str) -> str:
    """The name as every system can write it, Windows too: for archives, which name files by themselves."""
    plain = name.translate(_UNPORTABLE).rstrip(". ") or UNNAMED
    return f"_{plain}" if _RESERVED.match(plain) else plain


def unique(names: Iterable[str]) -> Iterator[str]:
    """The names in order; a repeated one gets a number: `cat.png`, `cat (2).png`. So does one that is a
    folder of another.

    Compared without regard to case, because some file systems do.
    """
    names = list(names)
    taken = {str(above).casefold() for name in names for above in PurePosixPath(name).parents}
    # Where to go on counting: thousands of pasted pictures share one name.
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
