"""The migration guides: the rows of their tables, and the tests that cover each row."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

GUIDES = Path(__file__).parents[3] / "docs" / "api"


def rows(name: str) -> dict[str, str]:
    """The rows of all tables of a guide: first cell → the other cells."""
    found: dict[str, str] = {}
    for line in (GUIDES / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            first, _, rest = line.strip("| ").partition(" | ")
            if first not in {"what", "client"}:
                assert first not in found, f"two rows say {first}"
                found[first] = rest
    return found


def without_a_test(name: str, claims: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Errors in `claims`: rows without tests, claims without a row, and missing tests.

    A test is named `module:function`. A module without a dot is in this folder.
    """
    wrong = [f"no test holds: {row}" for row in rows(name) if not claims.get(row)]
    wrong += [f"no such row: {row}" for row in claims if row not in rows(name)]
    for tests in claims.values():
        for test in tests:
            module, _, function = test.partition(":")
            place = module if "." in module else f"tests.jobs.compat.{module}"
            if not hasattr(importlib.import_module(place), function):
                wrong.append(f"no such test: {test}")
    return wrong
