"""One HTTP request and its response over our own socket: no proxies, cookies, redirects or decompression."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Final

from jobs.fetching.connecting import Deadline, connect
from jobs.fetching.errors import failed, too_late
from jobs.fetching.targets import Target

logger = logging.getLogger(__name__)

PIECE: Final = 2**16
ALWAYS: Final = {"User-Agent": "bgplatform", "Accept-Encoding": "identity", "Connection": "close"}


@cache
def _tls() -> ssl.SSLContext:
    """The TLS context, with the system's certificate authorities."""
    return ssl.create_default_context()


class _DeadlineSocket:
    """A socket that is shut down at the deadline, whatever reads from or writes to it.

    A socket's own time-out restarts with each byte, so a server that sends one byte now and then never
    triggers it.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self.sock = sock
        self._timer = threading.Timer(deadline.left(), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        try:
            # Shuts down the plain socket, also under TLS: the TLS shutdown would wait for the server.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            logger.debug("the socket was already closed")

    def close(self) -> None:
        """Cancels the timer and closes the socket."""
        self._timer.cancel()
        self.sock.close()


class Reply:
    """A response: its status and headers, and its body as a stream."""

    def __init__(self, response: http.client.HTTPResponse, target: Target, deadline: Deadline) -> None:
        self.status = response.status
        self.headers = response.headers
        # In bytes; None if the server does not announce a length.
        self.announced = response.length
        self._response, self._target, self._deadline = response, target, deadline

    def pieces(self) -> Iterator[bytes]:
        """Yields the body in chunks as they arrive. Raises FetchRefusedError if it ends prematurely."""
        size = 0
        # Reads no more than was announced: the server may keep the connection open.
        while self.announced is None or size < self.announced:
            with _translated(self._target, self._deadline):
                piece = self._response.read1(PIECE)
            if not piece:
                break
            size += len(piece)
            yield piece
        # Without an announced length, a connection that the timer cut looks like the end of the body.
        self._deadline.left()
        if self.announced is not None and size < self.announced:
            raise failed("the server closed the connection too early")


@contextmanager
def _translated(target: Target, deadline: Deadline) -> Iterator[None]:
    """Translates errors of the connection into FetchRefusedError."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise failed("the server's certificate is not valid for this address") from error
    except (OSError, http.client.HTTPException) as error:
        if deadline.over:
            raise too_late(deadline.seconds) from error
        logger.info("the connection to %s failed: %s", target.host, error)
        raise failed("the connection was lost, or the server does not speak HTTP") from error


@contextmanager
def exchange(
    method: str, target: Target, deadline: Deadline, *, headers: Mapping[str, str], body: bytes | None = None
) -> Iterator[Reply]:
    """Sends a request and yields the response with its body still unread.

    Raises FetchRefusedError: forbidden_address, download_failed, timeout.
    """
    deadline_socket = _DeadlineSocket(connect(target, deadline), deadline)
    try:
        deadline_socket.sock.settimeout(deadline.left())
        with _translated(target, deadline):
            response = _ask(method, target, deadline_socket, {**ALWAYS, **headers}, body)
        with response:
            yield Reply(response, target, deadline)
    finally:
        deadline_socket.close()


def _ask(
    method: str,
    target: Target,
    deadline_socket: _DeadlineSocket,
    headers: Mapping[str, str],
    body: bytes | None,
) -> http.client.HTTPResponse:
    kind: type[http.client.HTTPConnection] = http.client.HTTPConnection
    if target.scheme == "https":
        kind = http.client.HTTPSConnection
        # Verifies the name that the user gave, not the address that it resolved to.
        deadline_socket.sock = _tls().wrap_socket(deadline_socket.sock, server_hostname=target.host)
    connection = kind(target.host, target.port)
    connection.sock = deadline_socket.sock
    connection.auto_open = 0  # no reconnection
    connection.request(method, target.path, body, headers)
    return connection.getresponse()
