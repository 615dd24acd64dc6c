"""The full-disk test of `make faults`, in short, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from segmentation import weights
from tests.faults.full_store import CANNOT_MOUNT

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(400),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def test_a_full_and_a_read_only_disk_lose_nothing() -> None:
    command = [sys.executable, "-m", "tests.faults.full_store", "--pictures", "24", "--short"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    if run.returncode == CANNOT_MOUNT:
        # tests/jobs/test_full_store.py tests failing store calls on every machine.
        pytest.skip("no file system can be mounted here")
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-4000:]
    assert run.stdout.endswith("The store is back; nothing was lost, nothing failed.\n")
