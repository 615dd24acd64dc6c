"""The short form of `make fairness`: counts only, because times depend on the machine."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.benchmarks.fairness import MOST_BETWEEN

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_small_job_does_not_wait_for_another_users_hundreds() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.fairness"]
    run = subprocess.run(
        [*command, "--pictures", "200", "--before", "10"],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    found = re.search(r"and (\d+) of A's were done meanwhile", run.stdout)
    assert found, run.stdout[-4000:] + run.stderr[-4000:]
    assert int(found[1]) < MOST_BETWEEN
