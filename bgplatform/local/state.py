"""The state folder of a local run: its lock, its secrets, and its run file."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from bgplatform.local.console import LocalRunError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """The contents of `run.json`: the run that holds the folder."""

    pid: int
    address: str
    redis_url: str
    ready: bool


class State:
    """The state folder of a run, by default `var/` in the source tree.

    `folder` is created if missing. It holds `bgplatform.sqlite3`, `files/`, `static/`, `valkey/`,
    `secret-key`, `first-sign-in.txt`, `samples-shown`, `run.json` and `run.lock`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LocalRunError(
                f"The state folder {folder} cannot be created ({error.strerror}): "
                "name another one in BGPLATFORM_STATE."
            ) from error
        self.valkey = self.folder / "valkey"
        self.sign_in = self.folder / "first-sign-in.txt"
        self.samples_shown = self.folder / "samples-shown"
        self.run_file = self.folder / "run.json"

    def lock(self) -> IO[str]:
        """Lock the folder for this process, until the returned file is closed or the process ends.

        Raises LocalRunError where another run holds the lock.
        """
        holder = (self.folder / "run.lock").open("w")
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder.close()
            raise LocalRunError(self._taken()) from None
        return holder

    def _taken(self) -> str:
        run = self.read_run()
        where = f" as process {run.pid} at {run.address}" if run else ""
        return (
            f"bgplatform already runs from this folder{where}: use that one, or stop it with Ctrl-C in its "
            "terminal and try again. A second one beside it needs a folder of its own (BGPLATFORM_STATE)."
        )

    def read_run(self) -> Run | None:
        """Returns the run that holds the folder; None where there is none."""
        try:
            return Run(**json.loads(self.run_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write_run(self, run: Run) -> None:
        """Publish how to reach this run; the file is private, because the Redis URL contains a password."""
        write_private(self.run_file, json.dumps(asdict(run), indent=2) + "\n")

    def secret_key(self) -> str:
        """Returns the site's secret key: created once, stored with mode 600."""
        return self._secret("secret-key", 50)

    def valkey_password(self) -> str:
        """Returns the password of this folder's Valkey: other users of the machine can reach its port."""
        return self._secret("valkey-password", 24)

    def _secret(self, name: str, size: int) -> str:
        path = self.folder / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(size) + "\n")
        return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, readable by its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
