"""The pinned requirements: complete, exact, and those that are installed and tested here."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    """Version of each package that a requirements file pins, by canonical name."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    found = (
        re.fullmatch(r"([\w.-]+)==([\w.!]+)", line) for line in lines if line and not line.startswith("-r ")
    )
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def test_every_line_pins_one_exact_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] not in "#-"]
        assert len(lines) == len(pins(name)), name


@pytest.mark.parametrize(
    ("named", "pinned"),
    [
        (PROJECT["dependencies"], "requirements.txt"),
        (PROJECT["optional-dependencies"]["dev"], "requirements-dev.txt"),
    ],
)
def test_what_pyproject_names_is_pinned_within_its_range(named: list[str], pinned: str) -> None:
    versions = {**pins("requirements.txt"), **pins(pinned)}
    for text in named:
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), text


def test_the_pins_are_what_is_installed() -> None:
    for name, version in {**pins("requirements.txt"), **pins("requirements-dev.txt")}.items():
        assert distribution(name).version.partition("+")[0] == version, f"{name}: run `make lock`"


def test_running_needs_no_tool_of_development() -> None:
    heavy = {"rembg", "onnxruntime", "nncf", "pysodmetrics", "playwright", "pytest"}
    assert not heavy & pins("requirements.txt").keys()
