"""A bound on what a request may send, before anything of ours looks at it.

Django's ASGI handler writes the whole body into a temporary file before it knows who asks, or for what.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

REFUSAL = {
    "code": "too_many_bytes",
    "sentence": "This is more than can be sent at once. Send the pictures in smaller parts.",
}


class BodyLimit:
    """An ASGI application that answers 413 to bodies of more than `most` bytes, announced or not."""

    def __init__(self, application: Application, most: int) -> None:
        self.application = application
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if self._announced(scope) > self.most:
            await self._refuse(send)
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
            await self._refuse(send)

    @staticmethod
    def _announced(scope: Scope) -> int:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        # Servers refuse what is no number; one of too many digits is too many bytes.
        return int(length[:20]) if length.isdigit() else 0

    @staticmethod
    async def _refuse(send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(REFUSAL).encode()})
