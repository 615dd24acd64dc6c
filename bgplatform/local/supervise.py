"""Keep one command running: `python -m bgplatform.local.supervise NAME [--grace SECONDS] -- COMMAND…`.

A process of the Procfile may die. A killed Dramatiq child ends its whole command, and honcho ends everything
when one of its processes ends. This supervisor restarts its command after a back-off that doubles from half a
second to thirty seconds, and logs that. When it is asked to stop, or when its launcher is gone, it ends the
command with its whole process group. It adopts and kills the orphans of a killed master.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from bgplatform.local import process_tree
from bgplatform.local.console import say

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # a process that lived this long restarts after FIRST_PAUSE
LAUNCHER_VARIABLE = "BGPLATFORM_LAUNCHER"


class Backoff:
    """Exponential back-off: doubles after each short life, resets after a long one."""

    def __init__(self, longest: float = LONGEST_PAUSE) -> None:
        self._next = FIRST_PAUSE
        self._longest = longest

    def pause(self, lived_seconds: float) -> float:
        """Returns the seconds to wait after a process that ran for `lived_seconds`."""
        if lived_seconds >= STEADY_SECONDS:
            self._next = FIRST_PAUSE
        pause = self._next
        self._next = min(self._next * 2, self._longest)
        return pause


def describe(status: int) -> str:
    """Describes how a process ended, from its wait status."""
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with code {os.waitstatus_to_exitcode(status)}"


class Wakeups:
    """Lets one select() wait for signals and for the launcher's end."""

    def __init__(self, launcher: int | None) -> None:
        self.stop_wanted = False
        self._pidfd: int | None = None
        self._launcher = launcher
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake select()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._on_stop)
        if launcher is not None:
            self._watch(launcher)

    def _on_stop(self, *_: object) -> None:
        self.stop_wanted = True

    def _watch(self, launcher: int) -> None:
        try:
            if sys.platform == "linux":
                self._pidfd = os.pidfd_open(launcher)
            else:
                os.kill(launcher, 0)
        except ProcessLookupError:
            self.stop_wanted = True

    def wait(self, seconds: float | None) -> None:
        """Sleep until a signal arrives, the launcher ends, or `seconds` have passed."""
        watched = [self._read] + ([] if self._pidfd is None else [self._pidfd])
        if self._launcher is not None and self._pidfd is None:
            seconds = 1.0 if seconds is None else min(seconds, 1.0)
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._read in ready:
            os.read(self._read, 4096)
        gone = self._pidfd in ready if self._pidfd is not None else not self._launcher_lives()
        if gone:
            self.stop_wanted = True

    def _launcher_lives(self) -> bool:
        return self._launcher is None or process_tree.kill(self._launcher, 0)


class Supervisor:
    """Runs `command` under `name` until it is asked to stop; see the module docstring.

    `grace`: seconds between SIGTERM and SIGKILL. `launcher`: process id whose end stops this one, or None.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        grace: float,
        launcher: int | None,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._grace = grace
        self._wakeups = Wakeups(launcher)
        self._backoff = Backoff(longest_pause)
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._clock: Callable[[], float] = time.monotonic
        self._start_at: float | None = self._clock()
        self._kill_at: float | None = None

    def run(self) -> int:
        """Supervise until stopped. Returns the exit code: 0, or 127 where the command does not exist."""
        process_tree.adopt_orphans()
        while True:
            if self._wakeups.stop_wanted and self._kill_at is None:
                if self._child is None:
                    return 0
                process_tree.kill(self._child.pid, signal.SIGTERM)
                self._kill_at = self._clock() + self._grace
            if self._child is None and self._start_at is not None and self._clock() >= self._start_at:
                try:
                    self._start()
                except FileNotFoundError:
                    say(f"there is no command {self._command[0]!r}; is the environment complete?")
                    return 127
            if self._kill_at is not None and self._clock() >= self._kill_at:
                say(f"{self._name} did not stop within {self._grace:g} s and is killed")
                self._sweep()
                self._kill_at = self._clock() + self._grace
            self._wakeups.wait(self._seconds_until_due())
            if self._reap() and self._kill_at is not None:
                return 0

    def _seconds_until_due(self) -> float | None:
        due = self._kill_at if self._kill_at is not None else self._start_at
        return None if due is None else max(0.0, due - self._clock())

    def _start(self) -> None:
        self._start_at = None
        self._started = self._clock()
        # This process has a single thread, so preexec_fn is safe here.
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=process_tree.die_with_parent
        )

    def _reap(self) -> bool:
        """Reap ended children, including adopted orphans. Returns whether the command itself ended."""
        ended = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            if self._child is not None and pid == self._child.pid:
                self._child.returncode = os.waitstatus_to_exitcode(status)
                self._after_end(status)
                ended = True

    def _after_end(self, status: int) -> None:
        self._sweep()
        self._child = None
        if self._kill_at is not None:
            return
        pause = self._backoff.pause(self._clock() - self._started)
        self._start_at = self._clock() + pause
        say(f"{self._name} {describe(status)}; starting it again in {pause:g} s")

    def _sweep(self) -> None:
        """Kill the command's process group and all other descendants."""
        if self._child is not None:
            process_tree.kill_group(self._child.pid, signal.SIGKILL)
        for pid in process_tree.descendants(os.getpid()):
            process_tree.kill(pid, signal.SIGKILL)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module docstring. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bgplatform.local.supervise", description=__doc__)
    parser.add_argument("name", help="what to call the process in messages")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between SIGTERM and SIGKILL")
    parser.add_argument("--longest-pause", type=float, default=LONGEST_PAUSE, help="seconds before a start")
    parser.add_argument("command", nargs="+", help="the command, after --")
    chosen = parser.parse_args(arguments)
    launcher = os.environ.get(LAUNCHER_VARIABLE)
    parent = int(launcher) if launcher else None
    return Supervisor(chosen.name, chosen.command, chosen.grace, parent, chosen.longest_pause).run()


if __name__ == "__main__":
    sys.exit(main())
