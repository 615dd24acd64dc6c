"""docs/security.md: every requirement is there once, and what is said to hold it exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

ROOT: Final = Path(__file__).resolve().parents[2]
TEXT: Final = (ROOT / "docs" / "security.md").read_text()
ROWS: Final = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+) \|$", TEXT, re.MULTILINE)
# The requirements of levels 1 and 2 of ASVS 5.0.0: for each section, their numbers.
REQUIRED: Final = {
    "4.1": (1, 2, 3),
    "4.2": (1,),
    "4.3": (1, 2),
    "4.4": (1, 2, 3, 4),
    "5.1": (1,),
    "5.2": (1, 2, 3),
    "5.3": (1, 2),
    "5.4": (1, 2, 3),
    "6.1": (1, 2, 3),
    "6.2": tuple(range(1, 13)),
    "6.3": (1, 2, 3, 4),
    "6.4": (1, 2, 3, 4),
    "6.5": (1, 2, 3, 4, 5),
    "6.6": (1, 2, 3),
    "6.8": (1, 2, 3, 4),
    "7.1": (1, 2, 3),
    "7.2": (1, 2, 3, 4),
    "7.3": (1, 2),
    "7.4": (1, 2, 3, 4, 5),
    "7.5": (1, 2),
    "7.6": (1, 2),
    "8.1": (1, 2),
    "8.2": (1, 2, 3),
    "8.3": (1,),
    "8.4": (1,),
    "13.1": (1,),
    "13.2": (1, 2, 3, 4, 5),
    "13.3": (1, 2),
    "13.4": (1, 2, 3, 4, 5),
}
TEST: Final = re.compile(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`")
SETTING: Final = re.compile(r"`([A-Z][A-Z0-9_]+)`")


def test_every_requirement_is_there_once() -> None:
    wanted = [f"{section}.{number}" for section, numbers in REQUIRED.items() for number in numbers]
    assert [number for number, _, _ in ROWS] == wanted


def test_every_test_exists() -> None:
    named = TEST.findall(TEXT)
    assert len(named) > 60
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file()
        or (name and not re.search(rf"def {name}\(", (ROOT / path).read_text()))
    ]
    assert missing == []


def test_every_setting_exists() -> None:
    named = set(SETTING.findall(TEXT))
    assert len(named) > 15
    assert [name for name in sorted(named) if not hasattr(settings, name)] == []


@pytest.mark.parametrize(("number", "held"), [(number, held) for number, _, held in ROWS])
def test_what_holds_a_requirement_is_named(number: str, held: str) -> None:
    """A test, a setting, a part of the documentation, or the reason why not."""
    reason = re.match(r"(Not held|Does not apply|Held in part)\b.{15,}", held)
    documented = re.search(r"\babove\b|\]\(\w+\.md\)|As \d|sign-in by a provider", held, re.IGNORECASE)
    assert reason or documented or TEST.search(held) or SETTING.search(held), number
