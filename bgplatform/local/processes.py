"""The processes of the Procfile, run by honcho inside the launcher, and the end of every one of them."""

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

from bgplatform.local import lifeline
from bgplatform.local.console import Terminal
from bgplatform.local.state import ROOT

# Longer than the supervisors' own grace: they kill what does not stop, and honcho them only if they hang.
STOP_SECONDS = 25
SWEEP_SECONDS = 5.0
LOOK_SECONDS = 1.0


def run_procfile(procfile: Path, environment: Mapping[str, str], without: Collection[str] = ()) -> int:
    """Run every line of `procfile` but those named in `without`, until SIGINT, SIGTERM or SIGHUP.

    Afterwards nothing that descends from this process is left. Returns 0 where it was asked to stop, else
    the exit code of the process whose end stopped the others.
    """
    lifeline.adopt_orphans()
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
        preexec_fn=lifeline.die_with_parent,
    )
    signal.signal(signal.SIGCHLD, lambda *_: greeter.poll())  # it ends long before the rest
    try:
        manager.loop()
    finally:
        greeter.terminate()
        greeter.wait()
        sweep()
    asked = manager.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if asked else int(manager.returncode or 0)


def _stop_at_hangup() -> None:
    """Treat the closing of the terminal like SIGTERM, unless somebody (nohup) has it ignored.

    The kernel tells only the leader of the session, and that may be a make which then waits for us: so this
    process also looks at its terminal every second.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    launcher = os.getpid()

    def hang_up(*_: object) -> None:
        # honcho's helpers inherit this handler and get the signal, too; only the launcher acts on it.
        if os.getpid() == launcher:
            os.kill(launcher, signal.SIGTERM)

    signal.signal(signal.SIGHUP, hang_up)
    if not os.isatty(sys.stdin.fileno()):
        return
    terminal = select.poll()
    terminal.register(sys.stdin.fileno(), 0)  # a hang-up is reported without being asked for

    def look(*_: object) -> None:
        if terminal.poll(0):
            signal.setitimer(signal.ITIMER_REAL, 0)
            hang_up()

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)


def sweep() -> None:
    """Kill whatever still descends from this process; the last resort after everybody was told to stop."""
    deadline = time.monotonic() + SWEEP_SECONDS
    while (left := lifeline.descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in left:
            lifeline.kill(pid, signal.SIGKILL)
        _collect()
        time.sleep(0.02)


def _collect() -> None:
    """Take leave of adopted orphans that have ended, so that none stays a zombie."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
