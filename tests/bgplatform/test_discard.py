"""Refused bodies are discarded slowly, at one pace for all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bgplatform import discard
from bgplatform.body_limit import BodyLimit
from bgplatform.discard import AT_ONCE, PAUSE_SECONDS, Pacer
from bgplatform.large_bodies import LargeBodies

PIECE = b"a" * (256 * 2**10)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    taken: list[None] = []

    async def wait() -> None:
        taken.append(None)

    monkeypatch.setattr(discard.PACER, "wait", wait)
    return taken


async def sent_to(application: Any, pieces: int, length: int) -> int:
    """Send a body of `pieces` pieces and return the response's status."""
    left = pieces
    said: list[Mapping[str, Any]] = []
    gone = asyncio.Event()

    async def receive() -> Mapping[str, Any]:
        nonlocal left
        if not left:
            await gone.wait()
            return {"type": "http.disconnect"}
        left -= 1
        return {"type": "http.request", "body": PIECE, "more_body": left > 0}

    async def send(message: Mapping[str, Any]) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/here/",
        "headers": [(b"content-length", b"%d" % length)],
    }
    await application(scope, receive, send)
    assert left == 0, "all of it was read"
    return int(said[0]["status"])


async def test_a_too_large_body_is_discarded_slowly_after_its_first_megabyte(
    pauses: list[None],
) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    assert await sent_to(BodyLimit(never, 1000), 12, 12 * len(PIECE)) == 413
    assert len(pauses) == 12 - AT_ONCE // len(PIECE) - 1, "and none after the last piece"


async def test_small_bodies_are_discarded_without_pauses(pauses: list[None]) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    assert await sent_to(BodyLimit(never, 1000), 4, 4 * len(PIECE)) == 413
    assert not pauses


async def test_an_unauthenticated_body_is_discarded_slowly_while_the_view_answers(pauses: list[None]) -> None:
    async def strange(scope: Any) -> None:
        return None

    async def view(scope: Any, receive: Any, send: Any) -> None:
        """Responds after it has waited for the disconnect for a while."""
        assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
        looking = asyncio.ensure_future(receive())
        while len(pauses) < 3:
            await asyncio.sleep(0)
        looking.cancel()
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    site = LargeBodies(view, small=1000, uploads=("/here/",), find_account=strange)
    assert await sent_to(site, 12, 12 * len(PIECE)) == 401


async def test_all_bodies_share_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    monkeypatch.setattr(discard.asyncio, "sleep", sleep)
    monkeypatch.setattr(discard.time, "monotonic", lambda: 1000.0)
    pace = Pacer()
    for _ in range(3):
        await pace.wait()
    assert waited == [PAUSE_SECONDS, 2 * PAUSE_SECONDS, 3 * PAUSE_SECONDS]
    monkeypatch.setattr(discard.time, "monotonic", lambda: 1060.0)
    await pace.wait()
    assert waited[-1] == PAUSE_SECONDS, "what nobody used is not saved up"
