"""`python -m tests.attack`, or `make attack`: what attackers send, against a copy of its own.

Printed for each attack: by how much web and worker grew at their peaks, the slowest answer of /healthz, and
the most connections and bytes of nameless files that the web had open. The exit code is not 0 where the web
grew by 100 MB, /healthz took half a second, a process died, or an attack got what it wanted.

Lines that begin with SLOW are about time, and depend on what else the machine does: compare them with those
of `0 nothing`, and with the time in which the web wanted to run and had no processor. Lines that begin with
WRONG hold on every machine.
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
# What a shell gives to a process by default: as many files and connections as the web may have.
NOFILE = 1_024
# WEB_CONNECTIONS, as nothing else is set; and what the web has open besides: the database's files are none.
MOST_SOCKETS = 512 + 16
# Until the last temporary file is gone. The limits of the product are over after half of it.
CLEAN_SECONDS = 120.0


def prepared(stack: Stack, *, short: bool) -> Target:
    """A running copy with two accounts: the attacker's, and somebody else's."""
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
    """One attack, watched; what is wrong."""
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
    """What is wrong after an attack. One that breaks says nothing of the product, and must not look well."""
    try:
        return act(target)
    except (AssertionError, LookupError, OSError, ValueError) as error:
        traceback.print_exc()
        return [f"the attack did not come to its end: {error!r}"]


def left_behind(target: Target) -> list[str]:
    """What is wrong where the bodies of an attack outlive it."""
    web = web_of(target.stack)
    try:
        until(lambda: nameless(web) <= MIB, "the temporary files are gone", CLEAN_SECONDS)
    except AssertionError:
        return [f"{nameless(web) // MIB} MB of bodies are still there"]
    return []


def main() -> int:
    """The command line; see the module's text. Returns the exit code."""
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
