"""Send something to an address that a user gave."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from jobs.fetching.connecting import Deadline
from jobs.fetching.exchange import exchange
from jobs.fetching.targets import parse


@dataclass(frozen=True)
class Answer:
    """What the other side said to it. What it wrote is not read: it could be somebody else's page."""

    status: int
    milliseconds: int
    # In how many seconds to come again, where it says so.
    retry_after: float | None = None


def send(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
    """POST `body` to `url`, and its answer. No redirect is followed: it is an answer like others.

    Raises FetchRefusedError with the codes invalid_url, forbidden_address, download_failed, timeout.
    """
    deadline = Deadline(seconds)
    started = time.perf_counter()
    with exchange("POST", parse(url), deadline, headers=headers, body=body) as reply:
        took = round((time.perf_counter() - started) * 1000)
        return Answer(reply.status, took, _seconds(reply.headers.get("Retry-After", "")))


def _seconds(text: str) -> float | None:
    """A Retry-After header (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - time.time())
