"""The backends that run a network: PyTorch on CUDA or CPU, OpenVINO on CPU. Each implements
`base.Backend`."""

from __future__ import annotations

import sys

# Importing OpenVINO sends telemetry over the network, unless its telemetry package cannot be imported: then
# it uses its own stub. Users who run the engine at home must not be tracked.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how a ban is written
