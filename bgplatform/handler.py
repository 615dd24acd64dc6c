"""Django's ASGI handler with three changes: bodies without a Content-Length, our own form parser, and one
thread for all middleware of a request.

`Transfer-Encoding: chunked` declares no length, and Django and REST framework treat such a body as empty. The
handler has received the whole body before it builds the request, so it knows the length.

Django runs hybrid middleware as asynchronous code and sends each of its methods to the request's thread:
about twenty switches between event loop and thread for one page. Each switch waits for the event loop and for
the GIL, so a busy event loop made every page twenty times as slow.
"""

from __future__ import annotations

import os
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import django
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import QueryDict
from django.utils.datastructures import ImmutableList, MultiValueDict

from bgplatform.spool import spool
from jobs.multipart import MultiPartParser

REQUEST: Final = "bgplatform.request"


class Request(ASGIRequest):
    """A request whose multipart forms are read by our own parser."""

    def parse_file_upload(self, META: Any, post_data: Any) -> tuple[QueryDict, MultiValueDict[str, Any]]:  # noqa: N803
        """Returns the fields and files of a multipart form."""
        self.upload_handlers = ImmutableList(
            self.upload_handlers,
            warning="You cannot alter upload handlers after the upload has been processed.",
        )
        return MultiPartParser(META, post_data, self.upload_handlers, self.encoding).parse()


class Handler(ASGIHandler):
    """The site's ASGI handler."""

    request_class = Request
    _middleware_chain: Any

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware as synchronous code, so that the whole chain runs in the request's thread."""
        super().load_middleware(is_async=False)
        if is_async:
            self._middleware_chain = self.adapt_method_mode(True, self._middleware_chain, False)

    def create_request(self, scope: Any, body_file: IO[bytes]) -> Any:
        """Returns the request, and an error response where it cannot be parsed."""
        request, refusal = super().create_request(with_length(scope, body_file), body_file)
        scope[REQUEST] = request
        return request, refusal

    async def read_body(self, receive: Any) -> IO[bytes]:
        """Write the body to a file, as Django does, but outside the event loop."""
        most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        file = SpooledTemporaryFile(max_size=most)  # noqa: SIM115  # closed with the request
        try:
            await spool(receive, file, most, None)
            file.seek(0)
        except ConnectionError:
            file.close()
            raise RequestAborted from None
        except BaseException:
            file.close()
            raise
        return file

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one request and close its files. Django closes them with the response only, and there is no
        response when the client disconnects.
        """
        try:
            await super().handle(scope, receive, send)
        finally:
            if (request := scope.pop(REQUEST, None)) is not None:
                request.close()


def with_length(scope: dict[str, Any], body: IO[bytes]) -> dict[str, Any]:
    """Returns the scope with the received body's length, where no header declares it (RFC 9112, 7.1.3)."""
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    if not size or any(name == b"content-length" for name, _ in scope["headers"]):
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name != b"transfer-encoding"]
    return {**scope, "headers": [*headers, (b"content-length", str(size).encode())]}


def get_application() -> Handler:
    """Set Django up, as django.core.asgi.get_asgi_application does."""
    django.setup(set_prefix=False)
    return Handler()
