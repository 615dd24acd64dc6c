"""Large bodies come in at upload addresses only, and only from those who may send something there.

Django writes a whole body into a temporary file before it knows who asks, or for what. So this looks first:
at any other address a body has the size of a form; at an upload address the session or the token is looked up
before the first byte is read, and who is unknown gets the answer that the view gives to an empty request.
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
    Message,
    Receive,
    Scope,
    Send,
    Words,
    announced,
    ending,
    our_words,
    refusal,
    refuse,
    waits_for_continue,
)
from bgplatform.dropping import run_in_slow_pool

# Each becomes an object of some forty bytes while a form is parsed: a form of nothing else costs many times
# its size. Twenty thousand are a text of 10,000 letters that are not Latin.
MAX_ESCAPES: Final = 20_000
ESCAPES_REFUSAL: Final = refusal(
    "too_many_escapes",
    "This form holds too many percent-escapes. Send it as multipart/form-data, or send less at once.",
)
URLENCODED: Final = b"application/x-www-form-urlencoded"
# What says that there is a body, or what it is.
ABOUT_BODIES: Final = frozenset({b"content-length", b"transfer-encoding", b"content-type", b"expect"})

# The account whose credentials a request with these headers brings; None where they do not count.
Known = Callable[[Scope], Awaitable[int | None]]
# Large bodies of one account that are received at once; others of it are not read from the network meanwhile.
AT_ONCE: Final = 4


class LargeBodies:
    """An ASGI application in front of another.

    Above `small` bytes only POSTs to addresses that match one of `uploads` may send, and there only whoever
    is `known`. Forms at the addresses `own_forms` are parsed by views that bound their escapes themselves.
    """

    def __init__(
        self,
        application: Application,
        *,
        small: int,
        uploads: tuple[str, ...],
        known: Known,
        own_forms: Callable[[str], bool] = lambda path: False,
        words: Words = our_words,
    ) -> None:
        self.application = application
        self.small = small
        self.uploads = re.compile("|".join(uploads))
        self.known = known
        self.own_forms = own_forms
        self.words = words
        self._turns: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        size = announced(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        escapes = self._counts_escapes(scope, path)
        large = size > self.small
        if scope["method"] != "POST" or not self.uploads.fullmatch(path):
            if large:
                await refuse(send, receive, self.words, scope, 413, REFUSAL)
            else:
                await self._bounded(scope, receive, send, self.small, escapes=escapes)
        elif not large and not _is_chunked(scope):
            await self._bounded(scope, receive, send, None, escapes=escapes)
        elif (account := await self.known(scope)) is None:
            # What `_nothing` has dropped until the answer is there, `ending` goes on dropping.
            answer = ending(send, receive, scope)
            await self.application(_without_body(scope), _nothing(receive, scope), answer)
        else:
            turn = _Turn(receive, self._turns.setdefault(account, asyncio.Semaphore(AT_ONCE)))
            try:
                await self._bounded(scope, turn.receive, send, None, escapes=escapes)
            finally:
                turn.end()

    def _counts_escapes(self, scope: Scope, path: str) -> bool:
        kind = dict(scope["headers"]).get(b"content-type", b"")
        return kind.strip().lower().startswith(URLENCODED) and not self.own_forms(path)

    async def _bounded(
        self, scope: Scope, receive: Receive, send: Send, most: int | None, *, escapes: bool
    ) -> None:
        """Hand the request on; at a bound the body ends as if the client had gone away."""
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
            await refuse(send, receive, self.words, scope, 413, over)


class _Turn:
    """A body that waits for its turn before it is read, and gives the turn back when all of it is here."""

    def __init__(self, receive: Receive, turns: asyncio.Semaphore) -> None:
        self._receive = receive
        self._turns = turns
        self._begun = self._held = False

    async def receive(self) -> Message:
        """The next piece."""
        if not self._begun:
            await self._turns.acquire()
            self._begun = self._held = True
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.end()
        return message

    def end(self) -> None:
        """No more of it is read."""
        if self._held:
            self._held = False
            self._turns.release()


def _is_chunked(scope: Scope) -> bool:
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


def _without_body(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name not in ABOUT_BODIES]
    return {**scope, "headers": headers}


def _nothing(receive: Receive, scope: Scope) -> Receive:
    """A body of no bytes; those that come are dropped."""
    silent = waits_for_continue(scope)
    dropped = run_in_slow_pool(receive)
    asked = False

    async def empty() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if silent:
            await asyncio.Event().wait()  # until whoever asks is cancelled
        while (message := await dropped())["type"] != "http.disconnect":
            pass
        return message

    return empty
