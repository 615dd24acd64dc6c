"""Django's ASGI handler with three changes: bodies without a Content-Length, our parser of forms, and all
middleware of a request in one thread.

`Transfer-Encoding: chunked` announces no length, and Django and its REST framework take such a body for an
empty one. The handler has received the whole body before it makes the request, so it knows the length.

Django runs middleware that can be both as asynchronous code, and then hands each of its methods to the
request's thread: some twenty changes between event loop and thread for one page. Each of them waits for the
event loop, and for the interpreter's lock, so a busy event loop made every page twenty times as slow.
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

from bgplatform.multipart import MultiPartParser
from bgplatform.spool import spool

REQUEST: Final = "bgplatform.request"


class Request(ASGIRequest):
    """A request whose multipart forms are read by our parser."""

    def parse_file_upload(self, META: Any, post_data: Any) -> tuple[QueryDict, MultiValueDict[str, Any]]:  # noqa: N803
        """The fields and the files of a multipart form."""
        self.upload_handlers = ImmutableList(
            self.upload_handlers,
            warning="You cannot alter upload handlers after the upload has been processed.",
        )
        return MultiPartParser(META, post_data, self.upload_handlers, self.encoding).parse()


class Handler(ASGIHandler):
    """The site as an ASGI application."""

    request_class = Request
    _middleware_chain: Any

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware as synchronous code: as a whole it goes to the request's thread, once."""
        super().load_middleware(is_async=False)
        if is_async:
            self._middleware_chain = self.adapt_method_mode(True, self._middleware_chain, False)

    def create_request(self, scope: Any, body_file: IO[bytes]) -> Any:
        """The request, or the answer to one that cannot be read."""
        request, refusal = super().create_request(with_length(scope, body_file), body_file)
        scope[REQUEST] = request
        return request, refusal

    async def read_body(self, receive: Any) -> IO[bytes]:
        """The body in a file, as Django does it, but written beside the event loop."""
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
        """One request. Its files are gone with the connection: Django closes them with the response, and
        makes none where the client went away meanwhile."""
        try:
            await super().handle(scope, receive, send)
        finally:
            if (request := scope.pop(REQUEST, None)) is not None:
                request.close()


def with_length(scope: dict[str, Any], body: IO[bytes]) -> dict[str, Any]:
    """The scope with the length of the body that was received, where no header says it (RFC 9112, 7.1.3)."""
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
