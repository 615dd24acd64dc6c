"""Hostile files end in one of our errors or in a picture: no other exception, in bounded memory and time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.segmentation import hostile

ROOT = Path(__file__).parents[2]
CODES = {
    "empty_file",
    "unsupported_format",
    "unsupported_variant",
    "broken_picture",
    "truncated_picture",
    "too_many_pixels",
    "too_large_side",
    "too_complex",
}
# The maximum growth of the process for one file: 49 megapixels of animated WebP need the most.
MOST_MEGABYTES = 1_200
LEAST = {"fuzz": 300, "cut": 225, "false headers": 300, "bombs": 160, "unsupported": 110, "structures": 125}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", sorted(hostile.GROUPS))
def test_group(group: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.segmentation.hostile.runner", group],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"stopped after {lines[-1:]}: {done.stderr[-2000:]}"
    assert len(lines) >= LEAST[group]
    assert len({line["name"] for line in lines}) == len(lines)
    wrong = [line for line in lines if line["outcome"] not in CODES | {"decoded"}]
    assert wrong == []
    assert [line for line in lines if line["megabytes"] > MOST_MEGABYTES] == []


def test_the_number_of_hostile_files() -> None:
    assert sum(LEAST.values()) >= 200
