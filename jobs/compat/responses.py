"""What goes back over the wire: headers that every answer has, errors, and a finished picture."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Final

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from common.threads import run_in_thread
from jobs import storage
from jobs.compat.errors import CompatError
from jobs.compat.removebg_parameters import largest
from jobs.models import Rendition
from segmentation.recipe import Recipe

# What scripts on other people's pages may read, and send.
EXPOSED: Final = (
    "X-Type, X-Width, X-Height, X-Max-Width, X-Max-Height, X-Credits-Charged, X-Foreground-Top, "
    "X-Foreground-Left, X-Foreground-Width, X-Foreground-Height, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, Retry-After"
)
ALLOWED: Final = "Accept, Authorization, Content-Type, X-Api-Key"
_NAMES: Final = re.compile(r"[A-Za-z0-9-]+(, ?[A-Za-z0-9-]+)*")
# What libraries accept of their own accord, with every request: axios and Angular anything, RestSharp XML.
_LIBRARIES: Final = frozenset({"*/*", "*", "application/xml", "text/xml"})
_WHOLE: Final = 4 * 2**20
_CHUNK: Final = 2**20


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller asks for JSON and for nothing else.

    Libraries that say `application/json, text/plain, */*` with every request get the picture, as they do from
    remove.bg.
    """
    wanted = {part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")}
    others = any("image/" in one for one in wanted) or not _LIBRARIES.isdisjoint(wanted)
    return "application/json" in wanted and not others


def preflight(request: HttpRequest, methods: str) -> HttpResponse:
    """The answer to a browser that asks whether a page of somebody else's may call."""
    asked = request.headers.get("Access-Control-Request-Headers", "")
    response = HttpResponse(
        status=204,
        headers={
            "Access-Control-Allow-Methods": f"{methods}, OPTIONS",
            "Access-Control-Allow-Headers": asked if _NAMES.fullmatch(asked) else ALLOWED,
            "Access-Control-Max-Age": "86400",
            "Allow": f"{methods}, OPTIONS",
        },
    )
    del response["Content-Type"]
    return shared(response)


def refused(error: CompatError, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An error."""
    said = {**(headers or {}), **error.headers}
    return shared(JsonResponse(error.as_dict(), status=error.status, headers=said))


def shared(response: HttpResponse | StreamingHttpResponse) -> HttpResponse:
    """Any page may read it, no cache may keep it, and no browser may take it for something else."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = EXPOSED
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[return-value]  # callers hand either kind on


def facts_of(rendition: Rendition, kind: str | None, charged: int) -> dict[str, str]:
    """The X- headers of a finished picture."""
    left, top, right, bottom = rendition.foreground or (0, 0, rendition.width, rendition.height)
    wide, tall = _at_most(
        rendition.full_size or (rendition.width, rendition.height), Recipe.stored(rendition.recipe).format
    )
    facts = {
        "X-Width": rendition.width,
        "X-Height": rendition.height,
        "X-Max-Width": max(wide, rendition.width),
        "X-Max-Height": max(tall, rendition.height),
        "X-Credits-Charged": charged,
        "X-Foreground-Top": top,
        "X-Foreground-Left": left,
        "X-Foreground-Width": right - left,
        "X-Foreground-Height": bottom - top,
    }
    said = {name: str(value) for name, value in facts.items()}
    return said if kind is None else {"X-Type": kind, **said}


def _at_most(size: tuple[int, int], format: str) -> tuple[int, int]:
    """The largest size that this format could have had, from the one without a limit."""
    shrink = min(1.0, math.sqrt(largest(format) * 1e6 / (size[0] * size[1])))
    return (size[0], size[1]) if shrink == 1 else (int(size[0] * shrink), int(size[1] * shrink))


class Opened:
    """A stored file, open until it was sent: it may be deleted meanwhile."""

    def __init__(self, key: str) -> None:
        self._context: AbstractContextManager[BinaryIO] = storage.reading(key)
        self._file = self._context.__enter__()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        return self._file.read(size)

    def close(self) -> None:
        """Let go of it."""
        self._context.__exit__(None, None, None)

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, piece by piece; closed in the end, also when the client goes away."""
        try:
            while piece := await run_in_thread(self.read, _CHUNK):
                yield piece
        finally:
            await run_in_thread(self.close)


def opened(rendition: Rendition, as_json: bool) -> Opened | bytes:
    """A finished file: as the JSON that holds it, as its bytes where it is small, or open. Blocks.

    Raises FileNotFoundError where it was deleted a moment ago.
    """
    file = Opened(rendition.key)
    if not as_json and rendition.size > _WHOLE:
        return file
    try:
        data = file.read()
    finally:
        file.close()
    return _json(rendition, data) if as_json else data


def _json(rendition: Rendition, data: bytes) -> bytes:
    left, top, right, bottom = rendition.foreground or (0, 0, rendition.width, rendition.height)
    box = f'"foreground_top":{top},"foreground_left":{left},"foreground_width":{right - left}'
    tail = f'",{box},"foreground_height":{bottom - top}}}}}'
    return b'{"data":{"result_b64":"' + base64.b64encode(data) + tail.encode()


def finished(
    content: Opened | bytes, rendition: Rendition, as_json: bool, headers: Mapping[str, str]
) -> HttpResponseBase:
    """The answer with a finished picture."""
    kind = "application/json" if as_json else rendition.media_type
    if isinstance(content, bytes):
        return shared(HttpResponse(content, content_type=kind, headers=dict(headers)))
    response = StreamingHttpResponse(content.pieces(), content_type=kind, headers=dict(headers))
    response["Content-Length"] = str(rendition.size)
    return shared(response)
