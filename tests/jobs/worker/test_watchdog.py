"""The watchdog, in separate processes: a hanging task is ended, a working or waiting process is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jobs.worker.watchdog import EXIT_CODE

START = "import ctypes, time\nfrom jobs.worker.watchdog import Watchdog\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """A process that runs this code."""
    return subprocess.run(
        [sys.executable, "-c", START + code], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_task_over_its_limit_ends_the_process_and_prints_the_traceback() -> None:
    ended = run("Watchdog(lambda: 9.0, limit=0.5).start()\nctypes.CDLL(None).sleep(1000)")
    assert ended.returncode == EXIT_CODE
    assert "a task has run for 9 s" in ended.stderr
    assert 'File "<string>", line 4' in ended.stderr


# At once: what a worker that was just started finds in the queue may be what ended the one before it.
@pytest.mark.parametrize("before", ["pass", "time.sleep(0.3)"])
def test_code_that_holds_the_gil_is_ended_too(before: str) -> None:
    ended = run(f"Watchdog(lambda: 0.0, limit=0.5).start()\n{before}\nctypes.PyDLL(None).sleep(1000)")
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert 'File "<string>", line 5' in ended.stderr


def test_a_process_with_short_tasks_exits_normally() -> None:
    code = "dog = Watchdog(lambda: 0.4, limit=0.5)\ndog.start()\ntime.sleep(1.5)\ndog.stop()\ntime.sleep(1)"
    ended = run(code + "\nprint('alive')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "alive\n", "")
