"""`python -m tests.attack`, or `make attack`: runs attacks against a copy of the platform.

Prints for each attack the peak memory growth of web and worker, the slowest answer of /healthz, and the most
connections and bytes of unlinked files that the web had open. The exit code is not 0 where the web grew by
100 MB, /healthz took half a second, a process died, or an attack succeeded.

Lines that begin with SLOW are about time and depend on the machine's load: compare them with those of `0
nothing`, and with the time in which the web waited for a CPU. Lines that begin with WRONG hold on every
machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bgplatform.local.console import say
from bgplatform.local.state import ROOT
from tests.attack.attacks import ATTACKS, VICTIM, Attack, Slow, Target
from tests.attack.watch import MIB, Watch, nameless, web_of
from tests.stack import Stack
from tests.waiting import until

MOST_GROWTH = 100 * MIB
SLOWEST = 0.5
# A shell's default limit for a process; it bounds the web's open files and connections.
NOFILE = 1_024
# The default WEB_CONNECTIONS, plus the web's other sockets. Database files do not count.
MOST_SOCKETS = 512 + 16
# Until the last temporary file is gone; the product's own time limits are half of this.
CLEAN_SECONDS = 120.0


def prepared(stack: Stack, *, short: bool) -> Target:
    """Start a copy with two accounts: the attacker's and another user's."""
    pid = web_of(stack)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (NOFILE, NOFILE))
    token = stack.token("attack", "--scope", "read,submit,webhooks,delete")
    made = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", MAKE_VICTIM],
        cwd=ROOT,
        env={**stack.environment(), "SECRET_KEY": (stack.state.folder / "secret-key").read_text().strip()},
        check=True,
        capture_output=True,
        text=True,
    )
    return Target(stack, token, made.stdout.split()[-1], short)


MAKE_VICTIM = f"""
from accounts.models import User
from accounts.services import tokens
user = User.objects.create_user({VICTIM!r}, "a-long-pass-phrase-of-theirs")
print(tokens.create(user, "own", ["read", "submit", "webhooks"])[1])
"""


def one(target: Target, name: str) -> list[str]:
    """Run one attack under observation and return the problems."""
    act = dict(ATTACKS)[name]
    began = time.monotonic()
    with Watch(target.stack) as watch:
        wrong = tried(act, target)
        time.sleep(1)
    web, worker = (watch.grown[part] / MIB for part in ("web", "worker"))
    say(
        f"{name:30} web {web:+7.1f} MB  worker {worker:+7.1f} MB  /healthz {watch.slowest * 1000:6.0f} ms"
        f" ({watch.starved * 1000:4.0f} without a CPU)  connections {watch.connections:5}"
        f"  files {watch.files / MIB:6.0f} MB  {time.monotonic() - began:5.0f} s"
    )
    wrong += [f"the web grew by {web:.0f} MB"] * (watch.grown["web"] >= MOST_GROWTH)
    wrong += [Slow(f"/healthz took {watch.slowest:.2f} s, {watch.starved:.2f} s without a CPU")] * (
        watch.slowest >= SLOWEST
    )
    wrong += [Slow(f"/healthz was not answered {watch.unanswered} times")] * (watch.unanswered > 0)
    wrong += [f"/healthz was refused {watch.refused} times"] * (watch.refused > 0)
    wrong += [f"the web had {watch.connections} connections"] * (watch.connections > MOST_SOCKETS)
    wrong += ["a process died"] * watch.died
    wrong += [] if watch.died else left_behind(target)
    return [f"{'SLOW' if isinstance(line, Slow) else 'WRONG'}: {name}: {line}" for line in wrong]


def tried(act: Attack, target: Target) -> list[str]:
    """Return the problems after an attack. A crashed attack proves nothing, so it counts as a problem."""
    try:
        return act(target)
    except (AssertionError, LookupError, OSError, ValueError) as error:
        traceback.print_exc()
        return [f"the attack did not come to its end: {error!r}"]


def left_behind(target: Target) -> list[str]:
    """Return the problems where an attack's temporary files remain."""
    web = web_of(target.stack)
    try:
        until(lambda: nameless(web) <= MIB, "the temporary files are gone", CLEAN_SECONDS)
    except AssertionError:
        return [f"{nameless(web) // MIB} MB of bodies are still there"]
    return []


def main() -> int:
    """The command line; see the module docstring. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--short", action="store_true", help="less of each: for every run of the tests")
    parser.add_argument("--only", default="", help="attacks whose name begins so")
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bgp-attack-", ignore_cleanup_errors=True) as folder:
        stack = Stack(
            Path(folder),
            FETCH_PRIVATE_NETWORKS="127.0.0.0/8",
            ALLOWED_HOSTS="*",
            SITE_URL="http://localhost",
        )
        with stack:
            target = prepared(stack, short=chosen.short)
            os.nice(10)  # attackers have machines of their own
            until(
                lambda: not stack.rows("SELECT 1 FROM jobs_job WHERE state <> 'finished'"), "the sample", 600
            )
            for name, _ in ATTACKS:
                if name.startswith(chosen.only):
                    wrong += one(target, name)
        said = stack.output()
    for line in wrong:
        say(line)
    if wrong:
        say(said[-3_000:])
    else:
        say("Nothing came through.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
