"""The full disk of `make faults`, short: the whole of it runs in a process of its own, as by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from segmentation import weights
from tests.faults.full_store import CANNOT_MOUNT

pytestmark = [
    pytest.mark.faults,
    pytest.mark.xdist_group("faults"),
    pytest.mark.timeout(400),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def test_a_full_and_a_read_only_disk_lose_nothing() -> None:
    command = [sys.executable, "-m", "tests.faults.full_store", "--pictures", "24", "--short"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    if run.returncode == CANNOT_MOUNT:
        # What a store does where its calls fail is in tests/jobs/test_full_store.py, on every machine.
        pytest.skip("no file system can be mounted here")
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-4000:]
    assert run.stdout.endswith("The store is back; nothing was lost, nothing failed.\n")
