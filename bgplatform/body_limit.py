"""A bound on what a request may send, headers and body, before anything of ours looks at it.

Django's ASGI handler writes the whole body into a temporary file before it knows who asks, or for what; and
it takes the parameters of a Content-Type apart in the event loop, in a time that grows with the square of
their length.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_HEADERS: Final = 64 * 2**10
# Those that are taken apart parameter by parameter.
PARAMETERS: Final = (b"content-type", b"accept")
MAX_PARAMETERS: Final = 2**10


def refusal(code: str, sentence: str) -> dict[str, object]:
    """One refusal in the shape that the API's have."""
    said = {"code": code, "sentence": sentence, "field": None}
    return {**said, "errors": [said]}


REFUSAL: Final = refusal(
    "too_many_bytes", "This is more than can be sent at once. Send the pictures in smaller parts."
)
HEADERS_REFUSAL: Final = refusal(
    "headers_too_large", "The headers of this request are too long. Send shorter ones, or fewer."
)


async def refuse(send: Send, status: int, content: Mapping[str, object]) -> None:
    """Answer with JSON, and end the connection: what is still to come is not read."""
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


class BodyLimit:
    """An ASGI application that answers 413 to bodies of more than `most` bytes, announced or not, and 431 to
    headers that are too long."""

    def __init__(self, application: Application, most: int) -> None:
        self.application = application
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if _headers_too_large(scope):
            await refuse(send, 431, HEADERS_REFUSAL)
            return
        if _announced(scope) > self.most:
            await refuse(send, 413, REFUSAL)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            # To Django the client has gone away: it drops the body and answers nothing.
            return message if seen <= self.most else {"type": "http.disconnect"}

        await self.application(scope, counted, send)
        if seen > self.most:
            await refuse(send, 413, REFUSAL)


def _headers_too_large(scope: Scope) -> bool:
    # Django joins those of one name: they count together.
    sizes: Counter[bytes] = Counter()
    for name, value in scope["headers"]:
        sizes[name.lower()] += len(name) + len(value)
    return sizes.total() > MAX_HEADERS or any(sizes[name] > MAX_PARAMETERS for name in PARAMETERS)


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    # Servers refuse what is no number; one of too many digits is too many bytes.
    return int(length[:20]) if length.isdigit() else 0
