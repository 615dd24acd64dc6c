"""The import cycle finder, and the cycles of this tree."""

from __future__ import annotations

import pytest

from bgplatform.dev import cycles


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["b"], "b": ["a", "c"], "c": []}, [["a", "b"]]),
        (
            {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"], "f": ["a"]},
            [["a", "b", "c"], ["d", "e"]],
        ),
    ],
)
def test_the_modules_that_import_each_other_are_found(
    imported: dict[str, list[str]], expected: list[list[str]]
) -> None:
    assert cycles.cycles(imported) == expected


def test_no_more_than_three_modules_import_each_other() -> None:
    found = cycles.cycles(cycles.imports())
    assert [one for one in found if len(one) > cycles.MOST] == []
