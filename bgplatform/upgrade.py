"""HTTP/1.1 for clients that offer an upgrade to HTTP/2 over plain TCP, such as Java's HttpClient and `curl
--http2`.

A client stays with HTTP/1.1 where the server ignores the offer (RFC 9110, 7.8). uvicorn's parser, however,
takes the bytes after such a request for another protocol, and the body is lost.
"""

from __future__ import annotations

import re
from typing import Any, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bgplatform.parse_errors import error_response

_UPGRADE: Final = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol without h2c upgrades. `bgplatform.protocol:Protocol`, the one in use, extends it.

    uvicorn trusts X-Forwarded-For and -Proto from 127.0.0.1 unless `--no-proxy-headers` is given. Here the
    setting BEHIND_PROXY alone decides that, so this protocol removes uvicorn's middleware.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if isinstance(self.app, ProxyHeadersMiddleware):
            self.app = self.app.app

    def data_received(self, data: bytes) -> None:
        """Receives bytes. A request's headers arrive in one piece unless they are very long."""
        if self.cycle is None or not self.cycle.more_body:
            head, end, rest = data.partition(b"\r\n\r\n")
            if end:
                data = _UPGRADE.sub(b"", head + b"\r\n") + b"\r\n" + rest
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Answer an unparsable request in the format of the API at its path."""
        self.transport.write(error_response(getattr(self, "url", b"")))
        self.transport.close()
