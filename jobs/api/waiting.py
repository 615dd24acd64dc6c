"""?wait=30: an answer that comes when the thing is done. Waiting holds neither a thread nor a connection."""

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

LONGEST: Final = 60
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Pending:
    """wait: until it is done, at most so many seconds. body: how it stands, then; is_made: whether a body
    says that what was on its way is there, which is a 200 and no longer a 202."""

    wait: Callable[[float], Awaitable[object]]
    body: Callable[[], Any]
    is_made: Callable[[Any], bool] | None = None


def promised(response: Response, promise: Pending) -> Response:
    """The response, which may be asked for again when the promise is kept."""
    response.promise = promise  # type: ignore[attr-defined]  # for the view around this one
    return response


def seconds_of(request: HttpRequest) -> int:
    """For how long the client waits. Raises RefusedError for what is no number of 0 to LONGEST."""
    text = request.GET.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= LONGEST):
        raise RefusedError("invalid_wait", f"wait is a number of seconds, at most {LONGEST}.", "wait")
    return int(text)


def conditional(view: View) -> View:
    """A view whose answers have an ETag, and are a 304 where the client has them already."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _tagged(request, view(request, *args, **kwargs))

    return answer


def later(view: View) -> Any:
    """`conditional`, and a view whose promise is waited for where the client asks so."""

    @csrf_exempt
    @wraps(view)
    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response, seconds = await sync_to_async(_begin)(view, request, *args, **kwargs)
        if not seconds:
            return cast(HttpResponseBase, response)
        await response.promise.wait(seconds)
        return await sync_to_async(_end)(request, response)

    return answer


def _begin(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> tuple[Any, int]:
    response = view(request, *args, **kwargs)
    # The view has looked at the number, where it promises anything.
    seconds = seconds_of(request) if hasattr(response, "promise") else 0
    if not seconds:
        return _tagged(request, response), 0
    for connection in connections.all(initialized_only=True):
        # Given back while nobody asks it anything; inside of somebody's transaction it is theirs.
        if not connection.in_atomic_block:
            connection.close()
    return response, seconds


def _end(request: HttpRequest, response: Any) -> HttpResponseBase:
    promise: Pending = response.promise
    # Deleted meanwhile? How it stood is the last that there is to say.
    with suppress(ObjectDoesNotExist, Http404):
        response.data = promise.body()
        if promise.is_made is not None and promise.is_made(response.data):
            response.status_code = 200
    return _tagged(request, response)


def _tagged(request: HttpRequest, response: Any) -> HttpResponseBase:
    if hasattr(response, "render"):
        response = response.render()
    tagged: HttpResponseBase = ConditionalGetMiddleware(lambda _: response).process_response(
        request, response
    )
    return tagged
