"""Nothing of ours reports to anybody: OpenVINO's import would, and leaves a trace in the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_engine_on_openvino_tells_nobody(tmp_path: Path) -> None:
    code = (
        "import sys, segmentation.backends.graph, openvino\n"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert list(tmp_path.iterdir()) == []
