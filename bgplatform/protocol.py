"""HTTP/1.1 with bounds on what a connection may cost: `uvicorn --http bgplatform.protocol:Protocol`.

uvicorn's parser joins the pieces of a header as they come, in a time that grows with the square of its
length, and waits without end for a head, for a body, and for a client that does not read. Here a head has a
size, everything that the client owes has a time, and where there are many connections the ones that wait for
a head make room for others.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from bgplatform.body_limit import HEADERS_REFUSAL, refusal
from bgplatform.unparsed import refusal_to
from bgplatform.upgrade import Protocol as WithoutUpgrade

# Bytes that end nothing: of a head, of trailers, of what stands beside the size of a chunk. The application
# refuses heads of half of this (BodyLimit), and with better words.
MAX_HEAD: Final = 128 * 2**10
# From its first byte to its last. A connection on which nothing was ever asked counts from its beginning.
HEAD_SECONDS: Final = 10.0
# While a body comes, each of these spans must bring so many bytes: 4 kbit a second.
BODY_SECONDS: Final = 30.0
BODY_BYTES: Final = 16 * 2**10
# A client that does not read: uvicorn stops writing at 64 KB, and goes on once most of that is gone.
WRITE_SECONDS: Final = 60.0
# What is still to be sent on a connection that ends.
CLOSE_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0
# Where uvicorn has no --limit-concurrency.
CONNECTIONS: Final = 512

TOO_SLOW: Final = refusal("request_timeout", "The request came too slowly. Send it again.")


class Protocol(WithoutUpgrade):
    """uvicorn's, with bounds. Beyond three quarters of --limit-concurrency idle connections are closed."""

    # Idle connections of each server, the one that has waited for the longest time first.
    _idle_of: ClassVar[WeakKeyDictionary[ServerState, dict[Protocol, None]]] = WeakKeyDictionary()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.room = (self.limit_concurrency or CONNECTIONS) * 3 // 4
        self._idle = self._idle_of.setdefault(self.server_state, {})
        # Bytes since the parser last came to the end of something.
        self._loose = 0
        self._ended_something = False
        # When the client began to owe us a head; for how long a body was waited for, and how much came.
        self._since = 0.0
        self._span, self._came = 0.0, 0
        self._write_paused_since = self._closing_since = 0.0
        self._looked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # -- The connection ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """A client is there."""
        super().connection_made(transport)
        self._looked_at = self.loop.time()
        self._waits_for_head()
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look)
        if len(self.connections) > self.room:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """A client is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._idle.pop(self, None)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether nobody works on a request of this connection."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _waits_for_head(self) -> None:
        """From now on the client owes us a head. Of the idle connections this is the newest."""
        self._since = self.loop.time()
        if self.is_idle:
            self._idle.pop(self, None)
            self._idle[self] = None

    def _make_room(self) -> None:
        """Close the connection that has waited for a head for the longest time."""
        longest = next(iter(self._idle), self)
        if longest is not self:
            del self._idle[longest]
            self.connections.discard(longest)
            longest.transport.abort()

    # -- Bytes -------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes, in pieces of at most 256 KB."""
        self._ended_something = False
        super().data_received(data)
        self._loose = 0 if self._ended_something else self._loose + len(data)
        if self._loose > MAX_HEAD:
            self._give_up(431, HEADERS_REFUSAL)

    def on_message_begin(self) -> None:
        """The first byte of a head. It is no end of anything: blank lines before it count with it."""
        self._waits_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._ended_something = True
        self._span, self._came = 0.0, 0
        self._idle.pop(self, None)
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """The size of a chunk is known."""
        self._ended_something = True

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._ended_something = True
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A body is whole."""
        self._ended_something = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next head is waited for."""
        self._waits_for_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        self._write_paused_since = self.loop.time()
        super().pause_writing()

    # -- Time --------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Once a second: does the client still do what it owes us?"""
        now = self.loop.time()
        passed, self._looked_at = now - self._looked_at, now
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look)
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > CLOSE_SECONDS:
                self.transport.abort()
        elif self.flow.write_paused:
            if now - self._write_paused_since > WRITE_SECONDS:
                self.transport.abort()
        elif self.is_idle:
            # Between two requests uvicorn's own limit holds, until the first byte.
            if self.timeout_keep_alive_task is None and now - self._since > HEAD_SECONDS:
                self._give_up(408, TOO_SLOW)
        elif self._waits_for_body:
            self._span += passed
            if self._span > BODY_SECONDS:
                if self._came < BODY_BYTES:
                    self._give_up(408, TOO_SLOW)
                self._span, self._came = 0.0, 0

    @property
    def _waits_for_body(self) -> bool:
        """Whether it is the client that is waited for, and not we."""
        cycle = self.cycle
        return bool(cycle.more_body) and not self.flow.read_paused and not cycle.waiting_for_100_continue

    def _give_up(self, status: int, content: dict[str, Any]) -> None:
        """Say why, unless something was said already, and close."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        # A client that still sends what belongs to an answered request has its answer.
        if cycle is None or not cycle.response_started or (cycle.response_complete and not cycle.more_body):
            self.transport.write(refusal_to(getattr(self, "url", b""), status, content))
        if cycle is not None and not cycle.response_complete:
            # Whoever reads the body hears at once that no more of it comes, and drops its files.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
