"""The engine sends no telemetry. OpenVINO's import would, and would leave a file in the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_openvino_sends_no_telemetry(tmp_path: Path) -> None:
    code = (
        "import sys, segmentation.backends.graph, openvino\n"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert list(tmp_path.iterdir()) == []
