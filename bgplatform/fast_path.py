"""The way in for programs that wait: straight from the server to the view, past the site's middleware.

Sessions, forms and pages need that; these views need none of it, and Django's handler would hold a thread and
a database connection for each request that waits. The same views also answer at their addresses in Django's
own URLs, for whatever serves the site without this door.
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

from bgplatform.body_limit import Application, Receive, Scope, Send, Words, refusal, refuse
from bgplatform.spool import spool

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
IN_MEMORY: Final = 2**20
# Set on a request of whose body the end was dropped.
CUT_OFF: Final = "cut_off"
# The bytes of its body that wait to be read.
RECEIVED: Final = "received_bytes"
UNREADABLE: Final = refusal("bad_request", "This request cannot be read.")


class FastPath:
    """An ASGI application that answers by `route` where `takes` says so, and hands everything else on.

    Of a body of more than `most` bytes the rest is dropped; the request then says that it is `cut_off`. What
    cannot be read is refused by `words`.
    """

    def __init__(
        self,
        application: Application,
        takes: Callable[[str], bool],
        route: Callable[[str], View],
        most: int,
        words: Words,
    ) -> None:
        self.application = application
        self.most = most
        self.words = words
        self.takes = takes
        self.route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not self.takes(scope["path"]):
            await self.application(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            try:
                # Before the body is there: the address and the headers may be beyond reading.
                request = ASGIRequest(scope, body)
            except (ValueError, LookupError):
                await refuse(send, receive, self.words, scope, 400, UNREADABLE)
                return
            try:
                size = await spool(receive, body, IN_MEMORY, self.most)
            except ConnectionError:
                return
            setattr(request, CUT_OFF, size > self.most)
            setattr(request, RECEIVED, body.tell())
            body.seek(0)
            await _answered(self.route(scope["path"]), request, receive, send)


async def _answered(view: View, request: HttpRequest, receive: Receive, send: Send) -> None:
    """Answer, unless the client goes away: then the view is broken off."""
    work = asyncio.ensure_future(_told(view, request, send))
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _told(view: View, request: HttpRequest, send: Send) -> None:
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
