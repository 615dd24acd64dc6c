"""The storm of `make faults`, in short, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from segmentation import weights

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(400),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def test_a_short_storm_loses_and_duplicates_nothing() -> None:
    command = [sys.executable, "-m", "tests.faults.storm", "--pictures", "60", "--short", "--seed", "7"]
    storm = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    assert storm.returncode == 0, storm.stdout[-8000:] + storm.stderr[-4000:]
    assert storm.stdout.endswith("The storm is over; nothing was lost, nothing doubled.\n")
