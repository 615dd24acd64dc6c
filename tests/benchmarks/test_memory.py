"""The short form of `make memory`: the web's memory does not grow with the data transferred."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "options",
    [
        ["--what", "uploads", "--store", "files", "--photos", "40"],
        pytest.param(["--what", "uploads", "--store", "s3", "--photos", "40"], marks=pytest.mark.slow),
        pytest.param(["--what", "zip", "--store", "s3", "--results", "120"], marks=pytest.mark.slow),
    ],
    ids=["uploads to a folder", "uploads to S3", "a ZIP from S3"],
)
def test_the_webs_memory_is_flat(options: list[str]) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.memory", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    grew = [
        line for line in run.stdout.splitlines() if line.startswith("WRONG:") and "first byte" not in line
    ]
    assert grew == []
    assert "grew by" in run.stdout, run.stdout[-4000:] + run.stderr[-4000:]
