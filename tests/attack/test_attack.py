"""The short form of `make attack`: nothing comes through, and the web does not grow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from segmentation import weights

pytestmark = [
    pytest.mark.faults,
    pytest.mark.xdist_group("faults"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def test_nothing_comes_through() -> None:
    """Times are printed, and decide nothing here: other tests run beside this one."""
    command = [sys.executable, "-m", "tests.attack", "--short"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=580)
    wrong = [
        line for line in run.stdout.splitlines() if line.startswith("WRONG:") and "/healthz took" not in line
    ]
    assert wrong == []
    assert "slow receivers" in run.stdout, run.stdout[-4000:] + run.stderr[-4000:]
