"""Runs the Procfile's processes with honcho inside the launcher, and ends all of them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import honcho.manager
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from bgplatform.local import process_tree
from bgplatform.local.console import Terminal
from bgplatform.local.state import ROOT

# Longer than the supervisors' grace period: they kill what does not stop. honcho kills only supervisors that
# hang.
STOP_SECONDS = 25
SWEEP_SECONDS = 5.0
POLL_SECONDS = 1.0


def run_procfile(procfile: Path, environment: Mapping[str, str], without: Collection[str] = ()) -> int:
    """Run every line of `procfile` except those named in `without`, until SIGINT, SIGTERM or SIGHUP.

    No descendant of this process is left afterwards. Returns 0 where it was asked to stop, otherwise the exit
    code of the process whose end stopped the others.
    """
    process_tree.adopt_orphans()
    honcho.manager.KILL_WAIT = STOP_SECONDS
    manager = Manager(Printer(Terminal(sys.stdout)))
    for name, command in parse_procfile(procfile.read_text()).processes.items():
        if name not in without:
            manager.add_process(name, command, env=dict(environment), cwd=str(ROOT))
    _stop_at_hangup()
    greeter = subprocess.Popen(
        [sys.executable, "-m", "bgplatform.local.greet"],
        env=dict(environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=process_tree.die_with_parent,
    )
    signal.signal(
        signal.SIGCHLD, lambda *_: greeter.poll()
    )  # the greeter ends long before the rest; this reaps it
    try:
        manager.loop()
    finally:
        greeter.terminate()
        greeter.wait()
        sweep()
    asked = manager.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if asked else int(manager.returncode or 0)


def _stop_at_hangup() -> None:
    """Treat the closing of the terminal like SIGTERM, unless SIGHUP is ignored (nohup).

    The kernel signals only the session leader, which may be a `make` that waits for this process. So this
    process also polls its terminal every second.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    launcher = os.getpid()

    def hang_up(*_: object) -> None:
        # honcho's helpers inherit this handler and also get the signal; only the launcher acts on it.
        if os.getpid() == launcher:
            os.kill(launcher, signal.SIGTERM)

    signal.signal(signal.SIGHUP, hang_up)
    if not os.isatty(sys.stdin.fileno()):
        return
    terminal = select.poll()
    terminal.register(sys.stdin.fileno(), 0)  # poll() always reports a hang-up

    def check_terminal(*_: object) -> None:
        if terminal.poll(0):
            signal.setitimer(signal.ITIMER_REAL, 0)
            hang_up()

    signal.signal(signal.SIGALRM, check_terminal)
    signal.setitimer(signal.ITIMER_REAL, POLL_SECONDS, POLL_SECONDS)


def sweep() -> None:
    """Kill all remaining descendants of this process, after they were asked to stop."""
    deadline = time.monotonic() + SWEEP_SECONDS
    while (left := process_tree.descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in left:
            process_tree.kill(pid, signal.SIGKILL)
        _reap_orphans()
        time.sleep(0.02)


def _reap_orphans() -> None:
    """Reap adopted orphans that have ended, so that none stays a zombie."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
