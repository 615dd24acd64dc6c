"""If-Match and If-None-Match on requests that change something (RFC 9110, 13). A failed condition is a 412.

An object's ETag is that of a GET of its URL, so the check calls the view's own `get`. Check and change are
one transaction. Conditional requests of one user run one after the other, so the second sees the first one's
change.
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
# The first key of these advisory locks on PostgreSQL; the second is the user's id.
_LOCK: Final = 0x1F3A7C


def has_condition(request: Any) -> bool:
    """Whether a request changes something on a condition."""
    return request.method in UNSAFE and any(name in request.headers for name in HEADERS)


@contextmanager
def one_transaction() -> Iterator[None]:
    """A transaction around check and change. On SQLite nobody else can write during it."""
    with transaction.atomic():
        yield


def lock_user(user: int) -> None:
    """Waits until the user's other conditional requests have committed. Needs an open transaction.

    It is an advisory lock, taken before all row locks, so it needs no place in their order.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, user % 2**31])


def check(request: Request, tags: list[str | None]) -> None:
    """Raises RefusedError (412) unless the condition holds for one of these ETags.

    None stands for an object that does not exist.
    """
    if not any(get_conditional_response(request._request, etag=tag) is None for tag in tags):
        raise RefusedError(
            "precondition_failed",
            "The condition in If-Match or If-None-Match does not hold. Nothing was changed. "
            "Fetch the current state and send its ETag.",
            next(name for name in HEADERS if name in request.headers),
            412,
        )


def etag_of(represent: Callable[[], Response]) -> str | None:
    """The ETag of the response of a view's `get`; None for a 404."""
    try:
        response = represent()
    except Http404:
        return None
    response.accepted_renderer = JSONRenderer()
    response.accepted_media_type = JSONRenderer.media_type
    response.renderer_context = {}  # type: ignore[attr-defined]  # render() asks for it
    return str(set_response_etag(response.render())["ETag"])
