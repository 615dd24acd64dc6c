"""HTTP/1.1 for callers that propose HTTP/2: Java's HttpClient and `curl --http2` do where there is no TLS.

They go on with HTTP/1.1 where nobody takes them up on it (RFC 9110, 7.8). The parser under uvicorn takes what
follows such a request for another protocol, though, and the body is lost.
"""

from __future__ import annotations

import re
from typing import Any, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bgplatform.unparsed import answer_to

_UPGRADE: Final = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class Protocol(HttpToolsProtocol):
    """uvicorn's, to which nobody proposes HTTP/2. `bgplatform.protocol:Protocol`, the one in use, extends it.

    uvicorn believes X-Forwarded-For and -Proto from 127.0.0.1 unless `--no-proxy-headers` says otherwise. The
    setting BEHIND_PROXY alone decides that, so this protocol never uses that part of uvicorn.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if isinstance(self.app, ProxyHeadersMiddleware):
            self.app = self.app.app

    def data_received(self, data: bytes) -> None:
        """Bytes of a connection. A request's head comes in one piece, unless it is very long."""
        if self.cycle is None or not self.cycle.more_body:
            head, end, rest = data.partition(b"\r\n\r\n")
            if end:
                data = _UPGRADE.sub(b"", head + b"\r\n") + b"\r\n" + rest
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed in the words of the API at its address."""
        self.transport.write(answer_to(getattr(self, "url", b"")))
        self.transport.close()
