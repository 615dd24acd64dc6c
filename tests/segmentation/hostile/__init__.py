"""Hostile and damaged files, generated from fixed seeds: none is committed, and they are always the same."""

from __future__ import annotations

from collections.abc import Iterator

from tests.segmentation.hostile import bombs, fuzz, lies, strangers, structures

GROUPS = {
    "fuzz": fuzz.files,
    "cut": fuzz.cut_files,
    "lies": lies.files,
    "bombs": bombs.files,
    "strangers": strangers.files,
    "structures": structures.files,
}


def files(group: str) -> Iterator[tuple[str, bytes]]:
    """Yields the name and bytes of every file of a group."""
    return GROUPS[group]()
