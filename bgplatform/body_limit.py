"""Limits the size of a request's headers and body before Django reads them.

Django's ASGI handler writes the whole body to a temporary file before it authenticates or routes the request.
It also parses the parameters of a Content-Type in the event loop, in time quadratic in their length.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.http import HttpResponse, JsonResponse

from bgplatform.discard import slow_receive

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
# Maps path, error code and sentence to the error response of the API at that path; None means the default
# format.
ErrorFormat = Callable[[str, str, str], HttpResponse | None]

MAX_HEADERS: Final = 64 * 2**10
# Headers whose parameters Django parses one by one.
PARAMETERS: Final = (b"content-type", b"accept")
MAX_PARAMETERS: Final = 2**10
# How long the rest of a refused body is discarded before the connection closes.
LINGER_SECONDS: Final = 5.0


def refusal(code: str, sentence: str) -> dict[str, Any]:
    """Returns an error in the API's format."""
    said = {"code": code, "sentence": sentence, "field": None}
    return {**said, "errors": [said]}


REFUSAL: Final = refusal(
    "too_many_bytes", "This is more than can be sent at once. Send the pictures in smaller parts."
)
HEADERS_REFUSAL: Final = refusal(
    "headers_too_large", "The headers of this request are too long. Send shorter ones, or fewer."
)


def default_error_format(address: str, code: str, sentence: str) -> HttpResponse | None:
    """The default: every path uses the site's own error format."""
    return None


async def refuse(
    send: Send,
    receive: Receive,
    error_format: ErrorFormat,
    scope: Scope,
    status: int,
    content: Mapping[str, Any],
) -> None:
    """Send a JSON error and close the connection; the rest of the body is discarded."""
    response = error_format(scope["path"], content["code"], content["sentence"]) or JsonResponse(
        content, status=status
    )
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    headers.append((b"x-content-type-options", b"nosniff"))
    send = closing_send(send, receive, scope)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def closing_send(send: Send, receive: Receive, scope: Scope) -> Send:
    """Returns a `send` that closes the connection after the response although more of the body may arrive.

    Closing at once would reset the connection, and a client that is still sending would never read the
    response. So the body is discarded for a while first.
    """
    silent = expects_continue(scope)

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        elif not message.get("more_body", False) and not silent:
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                await asyncio.wait_for(_discard(receive), LINGER_SECONDS)
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return sent


def expects_continue(scope: Scope) -> bool:
    """Whether the client holds its body back until it gets 100 Continue, which uvicorn sends at the first
    `receive`.
    """
    return any(name == b"expect" for name, _ in scope["headers"])


async def _discard(receive: Receive) -> None:
    receive = slow_receive(receive)
    while (message := await receive())["type"] != "http.disconnect" and message.get("more_body", False):
        pass


class BodyLimit:
    """ASGI middleware that answers 413 to bodies of more than `most` bytes, with or without a Content-Length,
    and 431 to headers that are too large. `error_format` builds the response.
    """

    def __init__(
        self, application: Application, most: int, error_format: ErrorFormat = default_error_format
    ) -> None:
        self.application = application
        self.most = most
        self.error_format = error_format

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if _headers_too_large(scope):
            await refuse(send, receive, self.error_format, scope, 431, HEADERS_REFUSAL)
            return
        if declared_length(scope) > self.most:
            await refuse(send, receive, self.error_format, scope, 413, REFUSAL)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            # To Django this looks like a disconnect: it drops the body and sends nothing.
            return message if seen <= self.most else {"type": "http.disconnect"}

        await self.application(scope, counted, send)
        if seen > self.most:
            await refuse(send, receive, self.error_format, scope, 413, REFUSAL)


def _headers_too_large(scope: Scope) -> bool:
    # Django joins headers of the same name, so their sizes are added up.
    sizes: Counter[bytes] = Counter()
    for name, value in scope["headers"]:
        sizes[name.lower()] += len(name) + len(value)
    return sizes.total() > MAX_HEADERS or any(sizes[name] > MAX_PARAMETERS for name in PARAMETERS)


def declared_length(scope: Scope) -> int:
    """Returns the request's Content-Length; 0 where there is none."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    # Servers reject values that are not numbers. A number of more than 20 digits exceeds every limit anyway.
    return int(length[:20]) if length.isdigit() else 0
