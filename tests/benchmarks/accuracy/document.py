"""Writes generated tables into a Markdown file, each between its own two markers, so that prose and figures
stay apart.
"""

from __future__ import annotations

import re
from pathlib import Path


def markers(name: str) -> tuple[str, str]:
    """Returns the lines that begin and end the generated part `name`."""
    return f"<!-- made by `make accuracy`: {name} -->", f"<!-- end: {name} -->"


def put(text: str, name: str, made: str) -> str:
    """Returns `text` with the part `name` replaced. Raises ValueError if its markers are missing."""
    begin, end = markers(name)
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the document has no place for {name!r}: add the lines {begin} and {end}")
    return pattern.sub(lambda found: f"{found[1]}\n{made.strip()}\n\n{found[2]}", text)


def write(file: Path, parts: dict[str, str]) -> None:
    """Replaces these parts of a file in place."""
    text = file.read_text(encoding="utf-8")
    for name, made in parts.items():
        text = put(text, name, made)
    file.write_text(text, encoding="utf-8")
