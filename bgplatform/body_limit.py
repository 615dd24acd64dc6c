"""A bound on what a request may send, headers and body, before anything of ours looks at it.

Django's ASGI handler writes the whole body into a temporary file before it knows who asks, or for what; and
it takes the parameters of a Content-Type apart in the event loop, in a time that grows with the square of
their length.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.http import HttpResponse, JsonResponse

from bgplatform.dropping import run_in_slow_pool

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
# From an address, a code and a sentence to the answer in the words of whoever's API is there; None: in ours.
Words = Callable[[str, str, str], HttpResponse | None]

MAX_HEADERS: Final = 64 * 2**10
# Those that are taken apart parameter by parameter.
PARAMETERS: Final = (b"content-type", b"accept")
MAX_PARAMETERS: Final = 2**10
# For how long the rest of a refused body is dropped before the connection is closed.
LINGER_SECONDS: Final = 5.0


def refusal(code: str, sentence: str) -> dict[str, Any]:
    """One refusal in the shape that the API's have."""
    said = {"code": code, "sentence": sentence, "field": None}
    return {**said, "errors": [said]}


REFUSAL: Final = refusal(
    "too_many_bytes", "This is more than can be sent at once. Send the pictures in smaller parts."
)
HEADERS_REFUSAL: Final = refusal(
    "headers_too_large", "The headers of this request are too long. Send shorter ones, or fewer."
)


def our_words(address: str, code: str, sentence: str) -> HttpResponse | None:
    """Of a site whose every address is ours."""
    return None


async def refuse(
    send: Send, receive: Receive, words: Words, scope: Scope, status: int, content: Mapping[str, Any]
) -> None:
    """Answer with JSON, and end the connection: what is still to come is not used."""
    response = words(scope["path"], content["code"], content["sentence"]) or JsonResponse(
        content, status=status
    )
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    send = ending(send, receive, scope)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def ending(send: Send, receive: Receive, scope: Scope) -> Send:
    """A `send` for an answer after which the connection ends although more of the body may come.

    Closed at once, the connection would be reset, and a client that is still sending would never see the
    answer: so what comes is dropped for a while first.
    """
    silent = waits_for_continue(scope)

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        elif not message.get("more_body", False) and not silent:
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                await asyncio.wait_for(_dropped(receive), LINGER_SECONDS)
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return sent


def waits_for_continue(scope: Scope) -> bool:
    """Whether the client sends no body before it is told to: uvicorn tells it at the first `receive`."""
    return any(name == b"expect" for name, _ in scope["headers"])


async def _dropped(receive: Receive) -> None:
    receive = run_in_slow_pool(receive)
    while (message := await receive())["type"] != "http.disconnect" and message.get("more_body", False):
        pass


class BodyLimit:
    """An ASGI application that answers 413 to bodies of more than `most` bytes, announced or not, and 431 to
    headers that are too long, by `words`."""

    def __init__(self, application: Application, most: int, words: Words = our_words) -> None:
        self.application = application
        self.most = most
        self.words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if _headers_too_large(scope):
            await refuse(send, receive, self.words, scope, 431, HEADERS_REFUSAL)
            return
        if announced(scope) > self.most:
            await refuse(send, receive, self.words, scope, 413, REFUSAL)
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
            await refuse(send, receive, self.words, scope, 413, REFUSAL)


def _headers_too_large(scope: Scope) -> bool:
    # Django joins those of one name: they count together.
    sizes: Counter[bytes] = Counter()
    for name, value in scope["headers"]:
        sizes[name.lower()] += len(name) + len(value)
    return sizes.total() > MAX_HEADERS or any(sizes[name] > MAX_PARAMETERS for name in PARAMETERS)


def announced(scope: Scope) -> int:
    """The bytes that a request says its body has; 0 where it says nothing."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    # Servers refuse what is no number; one of too many digits is too many bytes.
    return int(length[:20]) if length.isdigit() else 0
