"""Responses to requests that the server could not parse: JSON in the format of the API at that path."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse, JsonResponse

from bgplatform.body_limit import refusal

# The longest URL that uvicorn's URL parser can handle.
MAX_ADDRESS: Final = 2**16 - 1
UNPARSED: Final = refusal(
    "bad_request", "This request is not HTTP/1.1: its first line or one of its headers is malformed."
)
TOO_LONG: Final = refusal(
    "address_too_long", "The address of this request is too long. Send the parameters in the body."
)
_ORIGIN: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


def error_response(target: bytes) -> bytes:
    """Returns the whole response; `target` is the part of the request target that was read. The connection
    closes.
    """
    status, said = (414, TOO_LONG) if len(target) > MAX_ADDRESS else (400, UNPARSED)
    return response_for(target, status, said)


def response_for(target: bytes, status: int, said: dict[str, Any]) -> bytes:
    """Returns a whole error response in the format of the API at `target`."""
    # Imported late: a server loads its protocol before the application and its settings.
    from jobs.compat.urls import error_format

    path = _ORIGIN.sub(b"", target, count=1).partition(b"?")[0][:MAX_ADDRESS]
    response = error_format(path.decode("latin-1"), said["code"], said["sentence"])
    return _serialized(response or JsonResponse(said, status=status))


def _serialized(response: HttpResponse) -> bytes:
    headers = {
        **dict(response.items()),
        "Content-Length": str(len(response.content)),
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.content
