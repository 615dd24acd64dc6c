"""Chooses TCP ports on the loopback interface."""

from __future__ import annotations

import contextlib
import socket

from bgplatform.local.console import LocalRunError

DEFAULT_PORT = 8000
TRIED = 20  # ports from the default one on to try


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `host`:`port` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # As servers do: a connection of the last run in TIME_WAIT does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def any_free(preferred: int | None = None) -> int:
    """Returns a free loopback port: `preferred` if it is free, otherwise one from the system."""
    if preferred is not None and is_free(preferred):
        return preferred
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def for_web(wanted: str | None, host: str) -> tuple[int, str | None]:
    """Returns the web server's port, and a note where it is not the default one.

    `wanted` is the requested port (PORT), or None for the first free port from 8000 on. Raises LocalRunError
    where the requested port is taken or invalid.
    """
    if wanted:
        if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
            raise LocalRunError(
                f"PORT={wanted} is not a port: give a number from 1 to 65535, as in `make run PORT=8001`."
            )
        if not is_free(int(wanted), host):
            raise LocalRunError(
                f"Port {wanted} is taken by another program: stop that one, or choose another port, "
                f"as in `make run PORT={min(int(wanted) + 1, 65535)}`."
            )
        return int(wanted), None
    for port in range(DEFAULT_PORT, DEFAULT_PORT + TRIED):
        if is_free(port, host):
            note = (
                None
                if port == DEFAULT_PORT
                else f"Port {DEFAULT_PORT} is taken by another program, so this is {port}."
            )
            return port, note
    raise LocalRunError(
        f"The ports {DEFAULT_PORT} to {DEFAULT_PORT + TRIED - 1} are all taken: "
        "choose another one, as in `make run PORT=9000`."
    )
