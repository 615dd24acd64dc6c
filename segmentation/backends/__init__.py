"""The engines that run a network: PyTorch on CUDA or CPU, OpenVINO on CPU. Each stands behind
`base.Backend`."""

from __future__ import annotations

import sys

# Importing OpenVINO tells its makers over the network, unless its telemetry package cannot be imported:
# then it takes its own stub. Whoever cuts out pictures at home tells nobody.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how a ban is written
