"""Text: comparison, and text of people in one line."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Normalizes text for comparison: Unicode NFC, case-folded."""
    return unicodedata.normalize("NFC", text).casefold()


def one_line(text: str) -> str:
    """Returns text in one line: no control or direction characters, single spaces, NFC."""
    normal = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if is_visible(c) else " " for c in normal).split())


def is_visible(character: str) -> bool:
    """Whether a character is neither a control or direction character nor a line or paragraph separator."""
    return unicodedata.category(character)[0] != "C" and unicodedata.category(character) not in {"Zl", "Zp"}
