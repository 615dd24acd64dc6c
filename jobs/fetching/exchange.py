"""One request and its answer over a socket of ours: no proxies, cookies, redirects or decompression."""

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
    """The system's authorities."""
    return ssl.create_default_context()


class _Cutter:
    """Cuts a line at the deadline, whoever reads or writes on it.

    A socket's own time limit starts anew with each byte; somebody who sends one now and then never meets it.
    """

    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self.line = line
        self._timer = threading.Timer(deadline.left(), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        try:
            # Of the plain socket, also under TLS: that one's own shutdown would wait for the other side.
            socket.socket.shutdown(self.line, socket.SHUT_RDWR)
        except OSError:
            logger.debug("the line was closed already")

    def close(self) -> None:
        """The line is no longer needed."""
        self._timer.cancel()
        self.line.close()


class Reply:
    """An answer: its status and headers, and its body as it comes."""

    def __init__(self, response: http.client.HTTPResponse, target: Target, deadline: Deadline) -> None:
        self.status = response.status
        self.headers = response.headers
        # In bytes, where the other side says so.
        self.announced = response.length
        self._response, self._target, self._deadline = response, target, deadline

    def pieces(self) -> Iterator[bytes]:
        """The body in parts as they come, however small. Raises FetchRefusedError where it ends badly."""
        size = 0
        # Asked for no more than was announced: the other side may leave the line open.
        while self.announced is None or size < self.announced:
            with _named(self._target, self._deadline):
                piece = self._response.read1(PIECE)
            if not piece:
                break
            size += len(piece)
            yield piece
        # A line that was cut reads like an end where the end is not announced.
        self._deadline.left()
        if self.announced is not None and size < self.announced:
            raise failed("it broke off")


@contextmanager
def _named(target: Target, deadline: Deadline) -> Iterator[None]:
    """What goes wrong on the line, by its name of ours."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise failed("its certificate is not valid for it") from error
    except (OSError, http.client.HTTPException) as error:
        if deadline.over:
            raise too_late(deadline.seconds) from error
        logger.info("%s broke off: %s", target.host, error)
        raise failed("the connection broke off, or it does not speak HTTP") from error


@contextmanager
def exchange(
    method: str, target: Target, deadline: Deadline, *, headers: Mapping[str, str], body: bytes | None = None
) -> Iterator[Reply]:
    """Ask, and give the answer with its body still to be read.

    Raises FetchRefusedError: forbidden_address, download_failed, timeout.
    """
    cutter = _Cutter(connect(target, deadline), deadline)
    try:
        cutter.line.settimeout(deadline.left())
        with _named(target, deadline):
            response = _ask(method, target, cutter, {**ALWAYS, **headers}, body)
        with response:
            yield Reply(response, target, deadline)
    finally:
        cutter.close()


def _ask(
    method: str, target: Target, cutter: _Cutter, headers: Mapping[str, str], body: bytes | None
) -> http.client.HTTPResponse:
    kind: type[http.client.HTTPConnection] = http.client.HTTPConnection
    if target.scheme == "https":
        kind = http.client.HTTPSConnection
        # Checked against the name that the user gave, not against the address that it had.
        cutter.line = _tls().wrap_socket(cutter.line, server_hostname=target.host)
    connection = kind(target.host, target.port)
    connection.sock = cutter.line
    connection.auto_open = 0  # this line or none
    connection.request(method, target.path, body, headers)
    return connection.getresponse()
