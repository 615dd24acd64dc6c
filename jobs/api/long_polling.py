"""?wait=30: long polling. Waiting requests hold neither a thread nor a database connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import ObjectDoesNotExist
from django.db import connections
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response

from jobs.api.errors import RefusedError

MAX_WAIT_SECONDS: Final = 60
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Pending:
    """What a long-polling response waits for.

    wait: waits until it is done, at most so many seconds. body: makes the body of the final response.
    is_made: whether a body describes a finished object, so that a 202 becomes a 200.
    """

    wait: Callable[[float], Awaitable[object]]
    body: Callable[[], Any]
    is_made: Callable[[Any], bool] | None = None


def mark_pending(response: Response, pending: Pending) -> Response:
    """The response, marked as one that long polling may delay."""
    response.pending = pending  # type: ignore[attr-defined]  # for the view around this one
    return response


def wait_seconds(request: HttpRequest) -> int:
    """How many seconds the client wants to wait. Raises RefusedError outside 0 to MAX_WAIT_SECONDS."""
    text = request.GET.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MAX_WAIT_SECONDS):
        raise RefusedError(
            "invalid_wait", f"wait is a number of seconds, at most {MAX_WAIT_SECONDS}.", "wait"
        )
    return int(text)


def conditional(view: View) -> View:
    """Adds an ETag to a view's responses, and answers 304 if the client has the current one."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _tagged(request, view(request, *args, **kwargs))

    return answer


def long_poll(view: View) -> Any:
    """`conditional`, plus long polling: waits for a pending response if the client asks for it."""

    @csrf_exempt
    @wraps(view)
    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response, seconds = await sync_to_async(_begin)(view, request, *args, **kwargs)
        if not seconds:
            return cast(HttpResponseBase, response)
        await response.pending.wait(seconds)
        return await sync_to_async(_end)(request, response)

    return answer


def _begin(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> tuple[Any, int]:
    response = view(request, *args, **kwargs)
    # A view that returns a pending response has already validated `wait`.
    seconds = wait_seconds(request) if hasattr(response, "pending") else 0
    if not seconds:
        return _tagged(request, response), 0
    for connection in connections.all(initialized_only=True):
        # Close the connection while waiting. Inside an outer transaction it belongs to the caller.
        if not connection.in_atomic_block:
            connection.close()
    return response, seconds


def _end(request: HttpRequest, response: Any) -> HttpResponseBase:
    pending: Pending = response.pending
    # If the object was deleted meanwhile, the first body is the last known state.
    with suppress(ObjectDoesNotExist, Http404):
        response.data = pending.body()
        if pending.is_made is not None and pending.is_made(response.data):
            response.status_code = 200
    return _tagged(request, response)


def _tagged(request: HttpRequest, response: Any) -> HttpResponseBase:
    if hasattr(response, "render"):
        response = response.render()
    tagged: HttpResponseBase = ConditionalGetMiddleware(lambda _: response).process_response(
        request, response
    )
    return tagged
