"""Downloads a file from a URL that a user gave."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from urllib.parse import unquote, urljoin, urlsplit

from jobs import names
from jobs.fetching.connecting import Deadline
from jobs.fetching.errors import failed, invalid, too_large
from jobs.fetching.exchange import Reply, exchange
from jobs.fetching.targets import Target, parse

REDIRECTS: Final = 3
REDIRECTING: Final = {301, 302, 303, 307, 308}
IN_MEMORY: Final = 2**20
HEADERS: Final = {"Accept": "image/*,*/*;q=0.5"}


@dataclass(frozen=True)
class Fetched:
    """A downloaded file, positioned at its start. `media_type` and `name` come from the server: do not trust
    them.
    """

    file: IO[bytes]
    size: int
    media_type: str
    name: str


def fetch(url: str, *, max_bytes: int, seconds: float) -> Fetched:
    """Downloads the file at `url`, at most `max_bytes` within `seconds`.

    Follows up to three redirects and checks each of them like the first URL. The file is temporary and
    deleted when closed. Raises FetchRefusedError with the codes invalid_url, forbidden_address,
    too_many_bytes, download_failed, timeout.
    """
    deadline = Deadline(seconds)
    target = parse(url)
    for _ in range(REDIRECTS + 1):
        with exchange("GET", target, deadline, headers=HEADERS) as reply:
            if reply.status not in REDIRECTING:
                return _received(reply, target, max_bytes)
            target = _next(target, reply.headers.get("Location", ""))
    raise failed(f"it redirects more than {REDIRECTS} times")


def _next(target: Target, where: str) -> Target:
    if not where:
        raise failed("it redirects without a target")
    try:
        # Like browsers: many servers redirect to an unescaped file name such as `My photo.jpg`.
        return parse(urljoin(target.url, where.replace(" ", "%20")))
    except ValueError as error:
        raise invalid("it redirects to an invalid URL") from error


def _received(reply: Reply, target: Target, max_bytes: int) -> Fetched:
    if reply.status != 200:
        raise failed(f"the server answered with status {reply.status}")
    if reply.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
        raise failed("the server sent a compressed response, which was not requested")
    if reply.announced is not None and reply.announced > max_bytes:
        raise too_large(max_bytes)
    with ExitStack() as unless_whole:
        file = unless_whole.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY))
        size = 0
        for piece in reply.pieces():
            size += len(piece)
            if size > max_bytes:
                raise too_large(max_bytes)
            file.write(piece)
        file.seek(0)
        unless_whole.pop_all()
    name = names.clean(unquote(urlsplit(target.path).path, errors="replace"))
    return Fetched(file, size, reply.headers.get_content_type(), name)
