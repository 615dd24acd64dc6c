"""Idempotency-Key: a repeated POST gets the stored response and has no further effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.base import ApiView
from jobs.api.errors import RefusedError
from jobs.models import Idempotency
from jobs.services import idempotency
from jobs.services.idempotency import Answer

REPLAYED: Final = "Idempotent-Replayed"


def replay(view: ApiView) -> Response | None:
    """The stored response, if the request has a key that was used before."""
    key = key_of(view.request)
    if key is None:
        return None
    known = idempotency.earlier(view.user, key, _digest(view.request))
    return None if known is None else _response(known, mine=False)


def once(view: ApiView, act: Callable[[], Response]) -> Response:
    """Runs `act` and returns its response. With a key, `act` runs only once, in one transaction with its
    record.
    """
    key = key_of(view.request)
    if key is None:
        return act()
    made: list[Response] = []

    def remembered() -> Answer:
        made.append(act())
        body = json.loads(JSONRenderer().render(made[-1].data))
        return Answer(made[-1].status_code, body, made[-1].headers.get("Location", ""))

    answer, mine = idempotency.once(view.user, key, _digest(view.request), remembered)
    return made[-1] if mine else _response(answer, mine=False)


def was_replayed(response: Response) -> bool:
    """Whether this response was stored by an earlier request."""
    return REPLAYED in response.headers


def key_of(request: Request) -> str | None:
    """The request's key. Raises RefusedError if it is malformed."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= Idempotency.MAX_LENGTH or not all("!" <= letter <= "~" for letter in key):
        raise RefusedError(
            "invalid_idempotency_key",
            f"An Idempotency-Key is 1 to {Idempotency.MAX_LENGTH} visible ASCII characters.",
            "Idempotency-Key",
        )
    return key


def _response(answer: Answer, *, mine: bool) -> Response:
    headers = {"Location": answer.location} if answer.location else {}
    if not mine:
        headers[REPLAYED] = "true"
    return Response(answer.body, status=answer.status, headers=headers)


def _digest(request: Request) -> str:
    """A fingerprint of the request: method, path and parsed body."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    for part in _parts(request.data):
        digest.update(part)
    return digest.hexdigest()


def _parts(data: Any) -> Iterator[bytes]:
    if not isinstance(data, QueryDict):
        yield json.dumps(data, sort_keys=True).encode()
        return
    for name, values in sorted(data.lists()):
        for value in values:
            if not isinstance(value, UploadedFile):
                yield json.dumps([name, value]).encode()
                continue
            yield json.dumps([name, value.name, value.size]).encode()
            yield from value.chunks()
            value.seek(0)
