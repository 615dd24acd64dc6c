"""Inserts a measured table into a Markdown file, between two markers, so that prose and figures stay
apart."""

from __future__ import annotations

import re
from pathlib import Path

from segmentation.errors import SegmentationError


def markers(name: str) -> tuple[str, str]:
    """Returns the lines that begin and end the measured part `name`."""
    return f"<!-- measured by `bench`: {name} -->", f"<!-- end: {name} -->"


def write(file: Path, name: str, table: str) -> None:
    """Replaces the part `name` of a file. Raises SegmentationError `no_place` if its markers are missing."""
    begin, end = markers(name)
    text = file.read_text("utf-8")
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if not pattern.search(text):
        raise SegmentationError(
            "no_place", f"{file.name} has no place for it: add the lines {begin} and {end}."
        )
    file.write_text(pattern.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", text), "utf-8")
