"""If-Match and If-None-Match on requests that change something (RFC 9110, 13): 412, or nothing has changed.

The ETag of a thing is the one that a GET of its address answers with, so the check asks the view's own `get`.
Check and change are one transaction. Of two conditional requests of one user at once, the second waits for
the first and then sees what it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction
from django.http import Http404
from django.utils.cache import get_conditional_response, set_response_etag
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.errors import RefusedError

HEADERS: Final = ("If-Match", "If-None-Match")
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# The first key of our advisory locks on PostgreSQL; the second is the user's id.
_LOCK: Final = 0x1F3A7C


def has_condition(request: Any) -> bool:
    """Whether a request shall change something only on a condition."""
    return request.method in UNSAFE and any(name in request.headers for name in HEADERS)


@contextmanager
def one_transaction() -> Iterator[None]:
    """A block whose check and change belong together; SQLite lets nobody else write meanwhile."""
    with transaction.atomic():
        yield


def take_turn(user: int) -> None:
    """Wait for the user's other conditional requests until they have committed. In a transaction only.

    A lock of its own, taken before all others: no order of row locks has to be kept.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, user % 2**31])


def check(request: Request, tags: list[str | None]) -> None:
    """Raise RefusedError 412 unless the condition holds for one of these ETags.

    None stands for a thing that there is not.
    """
    if not any(get_conditional_response(request._request, etag=tag) is None for tag in tags):
        raise RefusedError(
            "precondition_failed",
            "It is not as your If-Match or If-None-Match says. Nothing was changed: "
            "look at it again, and send its ETag of now.",
            next(name for name in HEADERS if name in request.headers),
            412,
        )


def tag_of(represent: Callable[[], Response]) -> str | None:
    """The ETag of what a view's `get` answers; None where it says that there is nothing."""
    try:
        response = represent()
    except Http404:
        return None
    response.accepted_renderer = JSONRenderer()
    response.accepted_media_type = JSONRenderer.media_type
    response.renderer_context = {}  # type: ignore[attr-defined]  # render() asks for it
    return str(set_response_etag(response.render())["ETag"])
