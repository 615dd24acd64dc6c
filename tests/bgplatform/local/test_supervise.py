"""The supervisor with real processes: it restarts, stops everything, and leaves no orphan."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bgplatform.local import process_tree
from bgplatform.local.supervise import LAUNCHER_VARIABLE, Backoff, describe
from tests.waiting import until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")

Supervise = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    """Starts supervisors and ends them after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str, launcher: int | None = None, grace: float = 5) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment.pop(LAUNCHER_VARIABLE, None)
        if launcher is not None:
            environment[LAUNCHER_VARIABLE] = str(launcher)
        process = subprocess.Popen(
            [sys.executable, "-m", "bgplatform.local.supervise", "it", "--grace", str(grace), "--", *command],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        for pid in process_tree.descendants(process.pid):
            process_tree.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line(process: subprocess.Popen[str]) -> str:
    """Returns the next line of output."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_the_back_off_doubles_to_thirty_seconds_and_resets() -> None:
    backoff = Backoff()
    assert [backoff.pause(1) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.pause(3600) == 0.5
    assert backoff.pause(1) == 1


@pytest.mark.parametrize(("status", "words"), [(3 << 8, "ended with code 3"), (9, "was killed by SIGKILL")])
def test_says_how_a_process_ended(status: int, words: str) -> None:
    assert describe(status) == words


def test_restarts_a_dead_process_and_logs_it(supervise: Supervise) -> None:
    process = supervise("sh", "-c", "echo started; exit 3")
    assert [line(process) for _ in range(4)] == [
        "started",
        "it ended with code 3; starting it again in 0.5 s",
        "started",
        "it ended with code 3; starting it again in 1 s",
    ]


def test_a_missing_command_is_reported_and_ends_the_supervisor(supervise: Supervise) -> None:
    process = supervise("no-such-command")
    assert line(process) == "there is no command 'no-such-command'; is the environment complete?"
    assert process.wait() == 127


def test_sigterm_is_passed_on_and_ends_it(supervise: Supervise) -> None:
    process = supervise("sh", "-c", "trap 'echo goodbye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    assert line(process) == "up"
    process.terminate()
    assert line(process) == "goodbye"
    assert process.wait() == 0


def test_stopping_ends_grandchildren(supervise: Supervise) -> None:
    process = supervise("sh", "-c", "sleep 600 & echo $!; wait")
    grandchild = int(line(process))
    process.terminate()
    assert process.wait() == 0
    assert not process_tree.is_alive(grandchild)


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(supervise: Supervise) -> None:
    process = supervise("sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.05; done", grace=0.2)
    child = int(line(process))
    process.terminate()
    assert line(process) == "it did not stop within 0.2 s and is killed"
    assert process.wait() == 0
    assert not process_tree.is_alive(child)


@linux_only
def test_orphans_of_a_killed_master_are_killed(supervise: Supervise) -> None:
    """As with Dramatiq's forked workers: the master is killed, its children are adopted and killed, the
    command restarts.
    """
    process = supervise("sh", "-c", "setsid sleep 600 & echo $$ $!; wait")
    master, orphan = map(int, line(process).split())
    os.kill(master, signal.SIGKILL)
    assert line(process) == "it was killed by SIGKILL; starting it again in 0.5 s"
    until(lambda: not process_tree.is_alive(orphan), "the orphan is gone")


def test_it_stops_when_its_launcher_is_gone(supervise: Supervise) -> None:
    launcher = subprocess.Popen(["sleep", "600"])
    process = supervise("sh", "-c", "echo $$; exec sleep 600", launcher=launcher.pid)
    child = int(line(process))
    launcher.kill()
    launcher.wait()
    assert process.wait() == 0
    assert not process_tree.is_alive(child)


@linux_only
def test_the_command_ends_when_the_supervisor_itself_is_killed(supervise: Supervise) -> None:
    process = supervise("sh", "-c", "echo $$; exec sleep 600")
    child = int(line(process))
    process.kill()
    until(lambda: not process_tree.is_alive(child), "the command is gone")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_descendants_come_parents_first() -> None:
    parent = subprocess.Popen(["sh", "-c", "sleep 600 & wait"])
    try:
        (child,) = until(lambda: process_tree.descendants(parent.pid), "the shell has its child")
        assert process_tree.descendants(os.getpid()).index(parent.pid) < process_tree.descendants(
            os.getpid()
        ).index(child)
    finally:
        for pid in process_tree.descendants(parent.pid):
            process_tree.kill(pid, signal.SIGKILL)
        parent.kill()
        parent.wait()
