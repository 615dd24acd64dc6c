"""A small reverse proxy that follows a `location` of an nginx example, to test the documentation."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CHUNK = 64 * 1024
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


@dataclass(frozen=True)
class Location:
    """nginx's behaviour below a path."""

    path: str
    target_path: str
    headers: dict[str, str]
    # Status and target by exact path, from `location = PATH { return STATUS TARGET; }`.
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, block: str) -> Location:
        """Parse a server block's redirects and its first `location PATH {…}` that passes requests on."""
        found = re.search(r"location (?P<path>/\S*) \{(?P<body>[^}]*)\}", block)
        assert found, "the example has no location"
        directives = re.findall(r"^\s*(\w+) (.+);\s*$", found["body"], re.MULTILINE)
        (passed,) = [value for name, value in directives if name == "proxy_pass"]
        headers = dict(value.split(" ", 1) for name, value in directives if name == "proxy_set_header")
        redirects = {
            path: (int(status), target)
            for path, status, target in re.findall(
                r"location = (/\S*) \{\s*return (\d{3}) (\S+);\s*\}", block
            )
        }
        return cls(found["path"], urlsplit(passed).path, headers, redirects)

    def address(self, address: str) -> str:
        """Map an address: nginx replaces the location's path where proxy_pass has one."""
        return self.target_path + address.removeprefix(self.path) if self.target_path else address


@contextmanager
def running(location: Location, port: int, *, scheme: str = "http") -> Iterator[str]:
    """Run a proxy in front of `port`; yields its origin. `scheme`: the scheme of the browser's requests."""

    class Handler(BaseHTTPRequestHandler):
        """One browser connection."""

        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def pass_on(self) -> None:
            if redirect := location.redirects.get(urlsplit(self.path).path):
                self._redirect(*redirect)
                return
            if not self.path.startswith(location.path):
                self.send_error(404, "not below the location")
                return
            length = int(self.headers.get("Content-Length") or 0)
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            try:
                upstream.putrequest(
                    self.command, location.address(self.path), skip_host=True, skip_accept_encoding=True
                )
                for name, value in self._headers():
                    upstream.putheader(name, value)
                upstream.endheaders()
                while length:
                    piece = self.rfile.read(min(CHUNK, length))
                    length -= len(piece)
                    upstream.send(piece)
                self._answer(upstream.getresponse())
            finally:
                upstream.close()

        def _redirect(self, status: int, target: str) -> None:
            """nginx redirects to an absolute URL, built from the Host header."""
            self.send_response_only(status)
            self.send_header("Location", f"{scheme}://{self.headers['Host']}{target}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _headers(self) -> Iterator[tuple[str, str]]:
            said = self.headers.get("X-Forwarded-For")
            values = {
                "$http_host": self.headers["Host"],
                "$host": self.headers["Host"].partition(":")[0],
                "$scheme": scheme,
                "$proxy_add_x_forwarded_for": ", ".join(filter(None, [said, self.client_address[0]])),
                '""': "",
            }
            set_here = {name.lower() for name in location.headers}
            for name, value in self.headers.items():
                if name.lower() not in set_here | HOP_BY_HOP:
                    yield name, value
            for name, value in location.headers.items():
                if told := values.get(value, value):
                    yield name, told

        def _answer(self, response: http.client.HTTPResponse) -> None:
            bodiless = self.command == "HEAD" or response.status in {204, 304}
            self.send_response_only(response.status, response.reason)
            for name, value in response.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            if not bodiless and response.getheader("Content-Length") is None:
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            while not bodiless and (piece := response.read1(CHUNK)):
                self.wfile.write(piece)
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Discard the log line."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.pass_on)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
