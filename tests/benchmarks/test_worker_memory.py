"""The short form of `make worker-memory`: a worker's memory does not grow with the pictures processed."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.real,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def test_a_workers_memory_is_flat() -> None:
    options = ["--model", "u2netp", "--pictures", "100", "--small", "0.2", "--clients", "2"]
    command = [sys.executable, "-m", "tests.benchmarks.worker_memory", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=560)
    assert "the worker grew by" in run.stdout, run.stdout[-4000:] + run.stderr[-4000:]
    assert [line for line in run.stdout.splitlines() if line.startswith("WRONG:")] == []
    assert run.returncode == 0
