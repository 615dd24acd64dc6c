"""A webhook receiver on loopback. It verifies signatures with the Standard Webhooks package and answers as a
test asks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Taken:
    """A received request: lower-case headers and the body."""

    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def is_signed_with(self, secret: str) -> bool:
        """Whether the Standard Webhooks package accepts the signature."""
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    """Accepts every message. `answers` are the next status codes; 204 when there are none left."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        # Called while a request waits for its response.
        self.meanwhile: Callable[[], None] = lambda: None
        # Whether requests wait for `release` before they are answered.
        self.waits = False
        self._released = threading.Event()
        self.url = ""

    def take(self, taken: Taken) -> int:
        self.taken.append(taken)
        self.meanwhile()
        if self.waits:
            self._released.wait(60)
        return self.answers.pop(0) if self.answers else 204

    def release(self) -> None:
        """Answers the waiting requests, and all later ones at once."""
        self.waits = False
        self._released.set()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Runs a receiver for the duration of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Taken(headers, body.decode()))
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release()
        server.shutdown()
        server.server_close()
        thread.join()
