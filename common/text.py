"""Text comparison."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Normalizes text for comparison: Unicode NFC, case-folded."""
    return unicodedata.normalize("NFC", text).casefold()
