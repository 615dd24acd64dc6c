"""HTTP/1.1 with limits on the cost of a connection: `uvicorn --http bgplatform.protocol:Protocol`.

uvicorn's parser joins the pieces of a header as they arrive, in time quadratic in the header's length. It
waits without a limit for headers, for a body, and for a client that does not read. Here the headers have a
size limit and every wait has a deadline; where there are many connections, idle ones are closed to make room.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from bgplatform.body_limit import HEADERS_REFUSAL, refusal
from bgplatform.parse_errors import response_for
from bgplatform.upgrade import Protocol as NoUpgradeProtocol

# Bytes without parser progress: of headers, of trailers, of chunk extensions. BodyLimit refuses half as much,
# with a better error.
MAX_HEAD: Final = 128 * 2**10
# From the headers' first byte to the last. A new connection's time starts when it opens.
HEAD_SECONDS: Final = 10.0
# A body must bring BODY_BYTES in every such interval: 4 kbit/s.
BODY_SECONDS: Final = 30.0
BODY_BYTES: Final = 16 * 2**10
# For a client that does not read: uvicorn pauses writing at 64 KB and resumes once most of that is sent.
WRITE_SECONDS: Final = 60.0
# For the rest of the response on a closing connection.
CLOSE_SECONDS: Final = 10.0
CHECK_SECONDS: Final = 1.0
# Default where uvicorn runs without --limit-concurrency.
CONNECTIONS: Final = 512

TOO_SLOW: Final = refusal("request_timeout", "The request came too slowly. Send it again.")


class Protocol(NoUpgradeProtocol):
    """uvicorn's protocol with limits. Beyond three quarters of --limit-concurrency it closes idle
    connections.
    """

    # The idle connections of each server, longest idle first.
    _idle_of: ClassVar[WeakKeyDictionary[ServerState, dict[Protocol, None]]] = WeakKeyDictionary()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.crowded_above = (self.limit_concurrency or CONNECTIONS) * 3 // 4
        self._idle = self._idle_of.setdefault(self.server_state, {})
        # Bytes since the parser last made progress.
        self._bytes_without_progress = 0
        self._made_progress = False
        # When the wait for headers began; how long the body was waited for, and how much of it arrived.
        self._idle_since = 0.0
        self._body_seconds, self._body_bytes = 0.0, 0
        self._write_paused_since = self._closing_since = 0.0
        self._checked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # -- Connection --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """A client has connected."""
        super().connection_made(transport)
        self._checked_at = self.loop.time()
        self._expect_headers()
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check_deadlines)
        if len(self.connections) > self.crowded_above:
            self._close_oldest_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._idle.pop(self, None)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress on this connection."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _expect_headers(self) -> None:
        """Start the deadline for the next headers; an idle connection moves to the end of the idle list."""
        self._idle_since = self.loop.time()
        if self.is_idle:
            self._idle.pop(self, None)
            self._idle[self] = None

    def _close_oldest_idle(self) -> None:
        """Close the connection that has been idle longest."""
        longest = next(iter(self._idle), self)
        if longest is not self:
            del self._idle[longest]
            self.connections.discard(longest)
            longest.transport.abort()

    # -- Bytes -------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Receives bytes, in chunks of at most 256 KB."""
        self._made_progress = False
        super().data_received(data)
        self._bytes_without_progress = 0 if self._made_progress else self._bytes_without_progress + len(data)
        if self._bytes_without_progress > MAX_HEAD:
            self._fail(431, HEADERS_REFUSAL)

    def on_message_begin(self) -> None:
        """The first byte of a request's headers. Not progress: blank lines before it count as well."""
        self._expect_headers()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The headers are complete."""
        self._made_progress = True
        self._body_seconds, self._body_bytes = 0.0, 0
        self._idle.pop(self, None)
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """A chunk's size line is complete."""
        self._made_progress = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._made_progress = True
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is complete."""
        self._made_progress = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The connection waits for the next request."""
        self._expect_headers()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._write_paused_since = self.loop.time()
        super().pause_writing()

    # -- Time --------------------------------------------------------------------------------------

    def _check_deadlines(self) -> None:
        """Check the client's deadlines, once a second."""
        now = self.loop.time()
        passed, self._checked_at = now - self._checked_at, now
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check_deadlines)
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > CLOSE_SECONDS:
                self.transport.abort()
        elif self.flow.write_paused:
            if now - self._write_paused_since > WRITE_SECONDS:
                self.transport.abort()
        elif self.is_idle:
            # Between two requests uvicorn's keep-alive timeout applies, until the first byte.
            if self.timeout_keep_alive_task is None and now - self._idle_since > HEAD_SECONDS:
                self._fail(408, TOO_SLOW)
        elif self._expects_body:
            self._body_seconds += passed
            if self._body_seconds > BODY_SECONDS:
                if self._body_bytes < BODY_BYTES:
                    self._fail(408, TOO_SLOW)
                self._body_seconds, self._body_bytes = 0.0, 0

    @property
    def _expects_body(self) -> bool:
        """Whether the server waits for the client's body."""
        cycle = self.cycle
        return bool(cycle.more_body) and not self.flow.read_paused and not cycle.waiting_for_100_continue

    def _fail(self, status: int, content: dict[str, Any]) -> None:
        """Send an error, unless a response has begun, and close the connection."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        # A client that is still sending the body of an answered request already has its response.
        if cycle is None or not cycle.response_started or (cycle.response_complete and not cycle.more_body):
            self.transport.write(response_for(getattr(self, "url", b""), status, content))
        if cycle is not None and not cycle.response_complete:
            # The body's reader gets a disconnect at once and drops its files.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
