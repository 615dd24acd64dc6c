"""Marks text for translation. The engine has no Django; the web process translates labels on display."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """Returns `text`. `makemessages` finds calls of this name and puts the text into the catalogue."""
    return text
