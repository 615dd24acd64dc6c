"""An HTTP server on loopback that sends exactly the bytes that a test asks for and counts its visitors."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[socket.socket, bytes], None]


class Server:
    """Accepts connections on loopback. `say` gets the socket and the head of the request.

    at_once: the server speaks first, before any request.
    """

    def __init__(
        self, say: Say, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, at_once: bool = False
    ) -> None:
        self.say = say
        self._at_once = at_once
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.bind((host, 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self.visits = 0
        self.requests: list[bytes] = []
        self.done = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True)]
        self._threads[0].start()

    def _run(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(line, server_side=True) if self._tls else line as spoken:
                head = b""
                while not self._at_once and b"\r\n\r\n" not in head and (piece := spoken.recv(65536)):
                    head += piece
                self.requests.append(head)
                self.say(spoken, head)
        except OSError:
            # The client closed the connection, as some tests expect.
            self.done.set()

    def close(self) -> None:
        """Stops accepting connections."""
        self.done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@contextmanager
def serving(
    say: Say, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, at_once: bool = False
) -> Iterator[Server]:
    """Runs a server for the duration of the block."""
    server = Server(say, host=host, tls=tls, at_once=at_once)
    try:
        yield server
    finally:
        server.close()


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> Say:
    """Sends this response to every request."""
    told = {"Content-Length": str(len(body)), "Content-Type": "image/png"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return raw(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


def raw(data: bytes) -> Say:
    """Sends these bytes to every request and closes the connection."""

    def say(line: socket.socket, _: bytes) -> None:
        line.sendall(data)

    return say
