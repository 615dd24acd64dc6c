"""Responses: common headers, errors, and finished pictures."""

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

# CORS: the headers that scripts on other sites may read and send.
EXPOSED: Final = (
    "X-Type, X-Width, X-Height, X-Max-Width, X-Max-Height, X-Credits-Charged, X-Foreground-Top, "
    "X-Foreground-Left, X-Foreground-Width, X-Foreground-Height, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, Retry-After"
)
ALLOWED: Final = "Accept, Authorization, Content-Type, X-Api-Key"
_NAMES: Final = re.compile(r"[A-Za-z0-9-]+(, ?[A-Za-z0-9-]+)*")
# Accept values that libraries send by default: axios and Angular accept anything, RestSharp accepts XML.
_LIBRARIES: Final = frozenset({"*/*", "*", "application/xml", "text/xml"})
_MAX_IN_MEMORY: Final = 4 * 2**20
_CHUNK: Final = 2**20


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller accepts JSON and nothing else.

    Libraries that always send `application/json, text/plain, */*` get the picture, as they do from remove.bg.
    """
    wanted = {part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")}
    others = any("image/" in one for one in wanted) or not _LIBRARIES.isdisjoint(wanted)
    return "application/json" in wanted and not others


def preflight(request: HttpRequest, methods: str) -> HttpResponse:
    """The response to a CORS preflight request."""
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
    return with_common_headers(response)


def error_response(error: CompatError, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An error response."""
    said = {**(headers or {}), **error.headers}
    return with_common_headers(JsonResponse(error.as_dict(), status=error.status, headers=said))


def with_common_headers(response: HttpResponse | StreamingHttpResponse) -> HttpResponse:
    """Adds the common headers: any site may read the response, no cache may store it, and no browser may
    sniff its type.
    """
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = EXPOSED
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[return-value]  # callers hand either kind on


def result_headers(rendition: Rendition, kind: str | None, charged: int) -> dict[str, str]:
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
    """The largest possible size in this format, computed from the unlimited size."""
    shrink = min(1.0, math.sqrt(largest(format) * 1e6 / (size[0] * size[1])))
    return (size[0], size[1]) if shrink == 1 else (int(size[0] * shrink), int(size[1] * shrink))


class OpenFile:
    """A stored file, kept open while it is sent, because it may be deleted meanwhile."""

    def __init__(self, key: str) -> None:
        self._context: AbstractContextManager[BinaryIO] = storage.reading(key)
        self._file = self._context.__enter__()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        return self._file.read(size)

    def close(self) -> None:
        """Closes the file."""
        self._context.__exit__(None, None, None)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The whole file in chunks. It is closed at the end, also when the client disconnects."""
        try:
            while piece := await run_in_thread(self.read, _CHUNK):
                yield piece
        finally:
            await run_in_thread(self.close)


def open_result(rendition: Rendition, as_json: bool) -> OpenFile | bytes:
    """The content of a finished result: JSON, bytes (small files) or an open file. Blocks.

    Raises FileNotFoundError if it was just deleted.
    """
    file = OpenFile(rendition.key)
    if not as_json and rendition.size > _MAX_IN_MEMORY:
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


def result_response(
    content: OpenFile | bytes, rendition: Rendition, as_json: bool, headers: Mapping[str, str]
) -> HttpResponseBase:
    """The response with a finished picture."""
    kind = "application/json" if as_json else rendition.media_type
    if isinstance(content, bytes):
        return with_common_headers(HttpResponse(content, content_type=kind, headers=dict(headers)))
    response = StreamingHttpResponse(content.chunks(), content_type=kind, headers=dict(headers))
    response["Content-Length"] = str(rendition.size)
    return with_common_headers(response)
