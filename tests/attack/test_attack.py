"""The short form of `make attack`: no attack succeeds, and the web's memory does not grow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from segmentation import weights
from tests.attack.attacks import ATTACKS

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def test_no_attack_succeeds() -> None:
    """SLOW lines are ignored, because other tests run at the same time."""
    command = [sys.executable, "-m", "tests.attack", "--short"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1_780)
    said = run.stdout[-6_000:] + run.stderr[-4_000:]
    wrong = [line for line in run.stdout.splitlines() if line.startswith("WRONG:")]
    assert wrong == [], said
    tried = [name for name, _ in ATTACKS if f"{name} " in run.stdout]
    assert tried == [name for name, _ in ATTACKS], said
