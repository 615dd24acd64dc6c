"""Sends a POST request to a URL that a user gave."""

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
    """The response without its body, which is not read: it may be a page of somebody else."""

    status: int
    milliseconds: int
    # Seconds to wait before a retry, if the server says so.
    retry_after: float | None = None


def send(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
    """Sends `body` to `url` by POST and returns the response. Does not follow redirects: they are responses
    like others.

    Raises FetchRefusedError with the codes invalid_url, forbidden_address, download_failed, timeout.
    """
    deadline = Deadline(seconds)
    started = time.perf_counter()
    with exchange("POST", parse(url), deadline, headers=headers, body=body) as reply:
        took = round((time.perf_counter() - started) * 1000)
        return Answer(reply.status, took, _seconds(reply.headers.get("Retry-After", "")))


def _seconds(text: str) -> float | None:
    """Parses a Retry-After header (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - time.time())
