"""Requests as raw bytes, since HTTP libraries would correct malformed ones."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from urllib.parse import urlsplit

PIECE = 2**16


@dataclass(frozen=True)
class Answer:
    """A response. status: 0 where the connection was closed without one."""

    status: int
    body: bytes = b""
    head: bytes = b""

    @property
    def cookies(self) -> str:
        """The response's cookies, as a Cookie header."""
        lines = [line for line in self.head.split(b"\r\n") if line.lower().startswith(b"set-cookie:")]
        return "; ".join(line.split(b":", 1)[1].split(b";")[0].strip().decode() for line in lines)

    @property
    def location(self) -> str:
        """The redirect target."""
        lines = [line for line in self.head.split(b"\r\n") if line.lower().startswith(b"location:")]
        return lines[0].split(b":", 1)[1].strip().decode() if lines else ""


class Line:
    """One connection to the site at `address` from `source` (a loopback address)."""

    def __init__(self, address: str, *, source: str = "127.0.0.1", seconds: float = 60.0) -> None:
        parts = urlsplit(address)
        assert parts.hostname in {"127.0.0.1", "localhost"}, "only a copy on this machine is attacked"
        self.host = parts.netloc
        self.socket = socket.create_connection(
            ("127.0.0.1", parts.port or 80), timeout=seconds, source_address=(source, 0)
        )

    def begin(self, method: str, path: str, headers: dict[str, str] | None = None) -> None:
        """Send a request line and headers."""
        named = {"Host": self.host, **(headers or {})}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, pieces: Iterable[bytes]) -> int:
        """Send bytes until the server stops reading. Returns the number sent."""
        sent = 0
        try:
            for piece in pieces:
                self.socket.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        return sent

    def answer(self) -> Answer:
        """Returns the response, as far as it arrives."""
        got = b""
        try:
            while b"\r\n\r\n" not in got and (piece := self.socket.recv(PIECE)):
                got += piece
            head, _, body = got.partition(b"\r\n\r\n")
            length = head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0]
            while (not length or len(body) < int(length)) and (piece := self.socket.recv(PIECE)):
                body += piece
                if not length and body.endswith(b"0\r\n\r\n"):
                    break
        except OSError:
            head, _, body = got.partition(b"\r\n\r\n")
        status = head[9:12]
        return Answer(int(status) if status.isdigit() else 0, body, head)

    def is_closed(self) -> bool:
        """Whether the server has closed the connection; discards what it sent before."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(PIECE):
                pass
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


def ask(
    address: str,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    """Send one request and return its response."""
    line = Line(address, source=source)
    try:
        length = {"Content-Length": str(len(body))} if body or method == "POST" else {}
        line.begin(method, path, {"Connection": "close", **length, **(headers or {})})
        line.send([body] if body else [])
        return line.answer()
    finally:
        line.close()


def flood(
    address: str, path: str, size: int, unit: bytes, headers: dict[str, str], begin: bytes = b""
) -> tuple[int, Answer]:
    """POST `begin` and then `unit` repeatedly, `size` bytes in all. Returns bytes sent and response."""
    line = Line(address)
    try:
        line.begin("POST", path, {"Content-Length": str(size), **headers})
        sent = line.send(pieces(begin, unit, size))
        return sent, line.answer()
    finally:
        line.close()


def pieces(begin: bytes, unit: bytes, size: int) -> Iterator[bytes]:
    """Yields `size` bytes in pieces."""
    yield begin
    left = size - len(begin)
    piece = unit * (PIECE // len(unit))
    for part in repeat(piece):
        if left <= 0:
            return
        yield part[:left]
        left -= len(part)


def settled(lines: list[Line], seconds: float) -> float | None:
    """Returns the seconds until the server has closed all connections; None if it did not in that time."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        lines = [line for line in lines if not line.is_closed()]
        if not lines:
            return time.monotonic() - began
        time.sleep(0.2)
    return None
