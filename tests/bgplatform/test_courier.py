"""Only the courier takes webhook messages, and it takes nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import json, sys, {module} as process
from jobs.services import lines
from jobs.webhooks import deliveries, services
loaded = sorted({{"torch", "openvino", "cv2"}} & set(sys.modules))
print(json.dumps([sorted(process.broker.get_declared_queues()), loaded]))
"""


def look(module: str) -> tuple[list[str], list[str]]:
    """Returns the queues that a process of this module consumes, and the engine modules it has loaded."""
    command = [sys.executable, "-c", LOOK.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    queues, heavy = json.loads(done.stdout.splitlines()[-1])
    return queues, heavy


def test_the_courier_takes_webhooks_and_work_of_accounts_and_loads_no_engine() -> None:
    assert look("bgplatform.courier") == (["accounts", "webhooks"], [])


def test_picture_workers_take_no_webhooks() -> None:
    """Even after they reported a finished picture: the message is sent by name."""
    queues, _ = look("bgplatform.worker")
    assert "webhooks" not in queues
    assert {"interactive", "batch"} <= set(queues)


@pytest.mark.parametrize("line", ["courier:", "bgplatform.courier"])
def test_the_local_run_starts_a_courier(line: str) -> None:
    assert line in (ROOT / "Procfile").read_text()
