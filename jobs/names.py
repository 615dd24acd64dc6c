"""File names that people gave, made safe to store, show and send back."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

MAX_LENGTH = 255
UNNAMED = "picture"


def clean(name: str) -> str:
    """The last part of a path as people know it: no folders, no control or direction characters, NFC."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(
        c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C"
    ).strip()
    if shown in {"", ".", ".."}:
        return UNNAMED
    if len(shown) <= MAX_LENGTH:
        return shown
    suffix = PurePosixPath(shown).suffix[:16]
    return shown[: MAX_LENGTH - len(suffix)] + suffix


def with_extension(name: str, extension: str) -> str:
    """The original name with another extension: `cat.jpeg` → `cat.png`."""
    return f"{PurePosixPath(name).stem or UNNAMED}.{extension}"


def unique(names: Iterable[str]) -> Iterator[str]:
    """The names in order; a repeated one gets a number: `cat.png`, `cat (2).png`.

    Compared without regard to case, because some file systems do.
    """
    taken: set[str] = set()
    for name in names:
        path = PurePosixPath(name)
        candidate, number = name, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{path.stem} ({number}){path.suffix}"
        taken.add(candidate.casefold())
        yield candidate
