"""Hostile and damaged files, generated from fixed seeds: none is committed, and they are always the same."""

from __future__ import annotations

from collections.abc import Iterator

from tests.segmentation.hostile import bombs, false_headers, fuzz, structures, unsupported

GROUPS = {
    "fuzz": fuzz.files,
    "cut": fuzz.cut_files,
    "false headers": false_headers.files,
    "bombs": bombs.files,
    "unsupported": unsupported.files,
    "structures": structures.files,
}


def files(group: str) -> Iterator[tuple[str, bytes]]:
    """Yields the name and bytes of every file of a group."""
    return GROUPS[group]()
