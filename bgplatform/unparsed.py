"""The answer to a request that the server could not parse: JSON in the shape of the API at its address."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse, JsonResponse

from bgplatform.body_limit import refusal

# What the parser of addresses under uvicorn can count to.
MAX_ADDRESS: Final = 2**16 - 1
UNPARSED: Final = refusal(
    "bad_request", "This request is not HTTP/1.1: its first line or one of its headers is malformed."
)
TOO_LONG: Final = refusal(
    "address_too_long", "The address of this request is too long. Send the parameters in the body."
)
_ORIGIN: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


def answer_to(target: bytes) -> bytes:
    """The whole response, of which the connection ends; `target` is what was read of the request's target."""
    status, said = (414, TOO_LONG) if len(target) > MAX_ADDRESS else (400, UNPARSED)
    return refusal_to(target, status, said)


def refusal_to(target: bytes, status: int, said: dict[str, Any]) -> bytes:
    """A whole response that says this in the words of the API at `target`."""
    # Only here: a server loads its protocol before it loads the application and its settings.
    from jobs.compat.urls import words

    path = _ORIGIN.sub(b"", target, count=1).partition(b"?")[0][:MAX_ADDRESS]
    response = words(path.decode("latin-1"), said["code"], said["sentence"])
    return _written(response or JsonResponse(said, status=status))


def _written(response: HttpResponse) -> bytes:
    headers = {
        **dict(response.items()),
        "Content-Length": str(len(response.content)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.content
