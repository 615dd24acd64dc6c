"""A running platform for tests: the launcher's own processes in a separate folder.

`Stack.start()` runs what `make run` runs (web, Valkey, worker, scheduler; u2netp weights) and returns once
all of it is ready; everything is stopped afterwards.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bgplatform.local import ports, process_tree
from bgplatform.local.greet import answers as site_answers
from bgplatform.local.state import ROOT, State
from tests.waiting import until

START_SECONDS = 300.0
STOP_SECONDS = 60.0
KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "TMPDIR",
    "BGPLATFORM_CACHE",
    "XDG_CACHE_HOME",
    "SSL_CERT_FILE",
    "PIP_CERT",
)


@dataclass(frozen=True)
class SignIn:
    """The first administrator's address and password, as saved by the launcher."""

    email: str
    password: str


class Stack:
    """One run of the platform. `settings` are environment variables on top of a local run's."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.state = State(folder / "var")
        self.log = folder / "run.log"
        self.log.touch()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Returns the launcher's environment, without the test process's own settings."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own = {"BGPLATFORM_STATE": str(self.state.folder), "MODEL": "u2netp", "PORT": str(ports.any_free())}
        return {**kept, **own, **self._settings}

    def launch(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start a launcher in this folder, with additional settings; the caller waits for its end."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bgplatform.local", "--with-parent"],
                cwd=ROOT,
                env={**self.environment(), **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> Self:
        """Start and wait until the site is ready."""
        self._process = self.launch()
        until(self._ready, "the platform is ready", START_SECONDS)
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(
                f"the launcher ended with {self._process.returncode}:\n{self.output()[-8000:]}"
            )
        run = self.state.read_run()
        return run is not None and run.ready

    def stop(self) -> int:
        """Stop as Ctrl-C does. Returns the launcher's exit code once every process is gone."""
        assert self._process is not None
        everybody = [self._process.pid, *process_tree.descendants(self._process.pid)]
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(timeout=STOP_SECONDS)
        left = [pid for pid in everybody if process_tree.is_alive(pid)]
        assert not left, f"still there after the stop: {left}"
        self._process = None
        return code

    def kill(self) -> None:
        """Kill the launcher; its supervisors end the rest."""
        if self._process is not None:
            everybody = process_tree.descendants(self._process.pid)
            self._process.kill()
            self._process.wait()
            until(lambda: not any(map(process_tree.is_alive, everybody)), "everything went with the launcher")
            self._process = None

    def manage(self, *arguments: str) -> str:
        """Runs `manage.py` on this platform. Returns its output."""
        secret_key = (self.state.folder / "secret-key").read_text().strip()
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            # Without the test process's other settings: it may use another database.
            env={**self.environment(), "SECRET_KEY": secret_key},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def token(self, name: str, *options: str) -> str:
        """Returns a token of the administrator, created by the operators' command."""
        return self.manage("create_token", self.sign_in.email, "--name", name, *options)

    @property
    def pid(self) -> int:
        """The launcher's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def address(self) -> str:
        """The site's address, with a trailing slash."""
        run = self.state.read_run()
        assert run is not None
        return run.address

    @property
    def sign_in(self) -> SignIn:
        """The administrator's credentials."""
        lines = dict(line.split() for line in self.state.sign_in.read_text().splitlines())
        return SignIn(lines["e-mail"], lines["password"])

    def output(self) -> str:
        """Returns all output of the launcher and its processes."""
        return self.log.read_text(errors="replace")

    def answers(self) -> bool:
        """Whether the site is ready."""
        return site_answers(self.address)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Returns the rows of a query on the run's own database, opened read-only."""
        database = self.state.folder / "bgplatform.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    def processes(self, words: str) -> list[int]:
        """Returns the run's process ids whose command line contains `words`, parents first."""
        return [pid for pid in process_tree.descendants(self.pid) if words in _command(pid)]

    def worker_if_any(self) -> int | None:
        """Returns the worker process (the child of Dramatiq's master); None while it restarts."""
        others = ("supervise", "bgplatform.courier")
        dramatiq = [
            pid for pid in self.processes("-m dramatiq") if not any(word in _command(pid) for word in others)
        ]
        return dramatiq[1] if len(dramatiq) == 2 else None

    def worker(self) -> int:
        """Returns the worker process; waits while it restarts."""
        return until(lambda: self.worker_if_any(), "there is a worker")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
