"""ASGI fast path for long-polling API calls; bypasses Django's middleware.

Sessions, forms and pages need the middleware; these views do not. Django's handler would hold a thread and a
database connection for each waiting request. The same views are also in Django's URLconf, for servers that
run the site without this fast path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Final

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from bgplatform.body_limit import Application, ErrorFormat, Receive, Scope, Send, refusal, refuse
from bgplatform.spool import spool

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
IN_MEMORY: Final = 2**20
# Request attribute: whether the end of the body was discarded.
CUT_OFF: Final = "cut_off"
# Request attribute: how many bytes of the body are available.
RECEIVED: Final = "received_bytes"
UNREADABLE: Final = refusal("bad_request", "This request cannot be read.")


class FastPath:
    """ASGI application that calls the view from `route` where `takes` accepts the path, and passes all other
    requests on.

    A body is truncated at `most` bytes; the request's `cut_off` is then true. `error_format` builds the
    response to an unreadable request.
    """

    def __init__(
        self,
        application: Application,
        takes: Callable[[str], bool],
        route: Callable[[str], View],
        most: int,
        error_format: ErrorFormat,
    ) -> None:
        self.application = application
        self.most = most
        self.error_format = error_format
        self.takes = takes
        self.route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not self.takes(scope["path"]):
            await self.application(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            try:
                # Before the body is read: the address or the headers may be unreadable.
                request = ASGIRequest(scope, body)
            except (ValueError, LookupError):
                await refuse(send, receive, self.error_format, scope, 400, UNREADABLE)
                return
            try:
                size = await spool(receive, body, IN_MEMORY, self.most)
            except ConnectionError:
                return
            setattr(request, CUT_OFF, size > self.most)
            setattr(request, RECEIVED, body.tell())
            body.seek(0)
            await _respond_unless_gone(self.route(scope["path"]), request, receive, send)


async def _respond_unless_gone(view: View, request: HttpRequest, receive: Receive, send: Send) -> None:
    """Send the view's response; cancel the view if the client disconnects."""
    work = asyncio.ensure_future(_respond(view, request, send))
    gone = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _respond(view: View, request: HttpRequest, send: Send) -> None:
    response = await view(request)
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    empty = request.method == "HEAD"
    if isinstance(response, StreamingHttpResponse):
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        if not empty:
            async for piece in response:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    content = response.content if isinstance(response, HttpResponse) else b""
    if response.status_code != 204:
        headers.append((b"Content-Length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if empty else content})
