"""Accepts large bodies only at upload addresses, and only from authenticated senders.

Django writes a whole body to a temporary file before it authenticates or routes the request. So this
middleware checks first: any other address accepts only bodies of a form's size. At an upload address the
session or token is looked up before the first byte is read; an unknown sender gets the view's answer to an
empty request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from bgplatform.body_limit import (
    REFUSAL,
    Application,
    ErrorFormat,
    Message,
    Receive,
    Scope,
    Send,
    closing_send,
    declared_length,
    default_error_format,
    expects_continue,
    refusal,
    refuse,
)
from bgplatform.discard import slow_receive

# Each escape becomes an object of about forty bytes while a form is parsed, so a form of nothing else costs
# many times its size. Twenty thousand escapes encode 10,000 non-Latin letters.
MAX_ESCAPES: Final = 20_000
ESCAPES_REFUSAL: Final = refusal(
    "too_many_escapes",
    "This form holds too many percent-escapes. Send it as multipart/form-data, or send less at once.",
)
URLENCODED: Final = b"application/x-www-form-urlencoded"
# Headers that describe a body.
ABOUT_BODIES: Final = frozenset({b"content-length", b"transfer-encoding", b"content-type", b"expect"})

# Returns the account of a request's credentials; None where they are not valid.
FindAccount = Callable[[Scope], Awaitable[int | None]]
# Concurrent large bodies of one account; further ones are not read from the network meanwhile.
AT_ONCE: Final = 4


class LargeBodies:
    """ASGI middleware.

    Only POSTs to addresses that match one of `uploads` may exceed `small` bytes, and only from senders that
    `find_account` knows. The views at `own_forms` parse their forms and limit the escapes themselves.
    """

    def __init__(
        self,
        application: Application,
        *,
        small: int,
        uploads: tuple[str, ...],
        find_account: FindAccount,
        own_forms: Callable[[str], bool] = lambda path: False,
        error_format: ErrorFormat = default_error_format,
    ) -> None:
        self.application = application
        self.small = small
        self.uploads = re.compile("|".join(uploads))
        self.find_account = find_account
        self.own_forms = own_forms
        self.error_format = error_format
        self._semaphores: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        size = declared_length(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        escapes = self._counts_escapes(scope, path)
        large = size > self.small
        if scope["method"] != "POST" or not self.uploads.fullmatch(path):
            if large:
                await refuse(send, receive, self.error_format, scope, 413, REFUSAL)
            else:
                await self._with_limits(scope, receive, send, self.small, escapes=escapes)
        elif not large and not _is_chunked(scope):
            await self._with_limits(scope, receive, send, None, escapes=escapes)
        elif (account := await self.find_account(scope)) is None:
            # `_empty_body` discards what arrives until the response starts; `closing_send` discards the rest.
            answer = closing_send(send, receive, scope)
            await self.application(_without_body(scope), _empty_body(receive, scope), answer)
        else:
            queued = _QueuedBody(receive, self._semaphores.setdefault(account, asyncio.Semaphore(AT_ONCE)))
            try:
                await self._with_limits(scope, queued.receive, send, None, escapes=escapes)
            finally:
                queued.end()

    def _counts_escapes(self, scope: Scope, path: str) -> bool:
        kind = dict(scope["headers"]).get(b"content-type", b"")
        return kind.strip().lower().startswith(URLENCODED) and not self.own_forms(path)

    async def _with_limits(
        self, scope: Scope, receive: Receive, send: Send, most: int | None, *, escapes: bool
    ) -> None:
        """Pass the request on; at a limit the body ends as if the client had disconnected."""
        seen = found = 0
        over: dict[str, Any] | None = None

        async def counted() -> Message:
            nonlocal seen, found, over
            message = await receive()
            body = message.get("body", b"")
            seen += len(body)
            if escapes:
                found += body.count(b"%")
            if most is not None and seen > most:
                over = REFUSAL
            elif found > MAX_ESCAPES:
                over = ESCAPES_REFUSAL
            return {"type": "http.disconnect"} if over else message

        if most is None and not escapes:
            await self.application(scope, receive, send)
            return
        await self.application(scope, counted, send)
        if over is not None:
            await refuse(send, receive, self.error_format, scope, 413, over)


class _QueuedBody:
    """A body that acquires the account's semaphore before it is read, and releases it once it is complete."""

    def __init__(self, receive: Receive, semaphore: asyncio.Semaphore) -> None:
        self._receive = receive
        self._semaphores = semaphore
        self._begun = self._held = False

    async def receive(self) -> Message:
        """Returns the next chunk."""
        if not self._begun:
            await self._semaphores.acquire()
            self._begun = self._held = True
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.end()
        return message

    def end(self) -> None:
        """Release the semaphore; no more of the body is read."""
        if self._held:
            self._held = False
            self._semaphores.release()


def _is_chunked(scope: Scope) -> bool:
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


def _without_body(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name not in ABOUT_BODIES]
    return {**scope, "headers": headers}


def _empty_body(receive: Receive, scope: Scope) -> Receive:
    """Returns a `receive` for an empty body; whatever arrives is discarded."""
    silent = expects_continue(scope)
    dropped = slow_receive(receive)
    asked = False

    async def empty() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if silent:
            await asyncio.Event().wait()  # until the caller is cancelled
        while (message := await dropped())["type"] != "http.disconnect":
            pass
        return message

    return empty
