"""`python -m tests.contention`: a minute of everything at once in one account, on SQLite and PostgreSQL.

Then it presses Cancel and Delete 50 times each on a batch of 300 in progress. Last, it measures how long a
small write waits beside a job of 3,000 pictures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from bgplatform.local.console import say


def main() -> int:
    """The command line. Returns the exit code: 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.contention", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--presses", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=3_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    environment = {
        **os.environ,
        "CONTENTION_SECONDS": str(chosen.seconds),
        "CONTENTION_PRESSES": str(chosen.presses),
        "CONTENTION_PICTURES": str(chosen.pictures),
    }
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "--show-capture=no",
        "-p",
        "no:randomly",
        "tests/contention",
    ]
    commands = {
        "sqlite": tests,
        "postgresql": [sys.executable, "-m", "tests.postgres", "--", *tests],
    }
    codes = []
    for name, command in commands.items():
        if chosen.only in {None, name}:
            say(f"== {name}")
            codes.append(subprocess.call(command, env=environment))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
