"""The wrapper of every compatible view: methods, CORS preflights, and errors in the client's format."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from redis.exceptions import RedisError

from accounts.errors import QuotaExceededError
from common.threads import run_in_thread
from jobs.compat import rate, responses
from jobs.compat.authentication import user_of
from jobs.compat.errors import AGAIN_SECONDS, CompatError, picture_error
from jobs.errors import JobsError
from jobs.gone import is_gone
from jobs.storage import StoreUnavailableError
from segmentation.errors import SegmentationError

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
ErrorRenderer = Callable[[CompatError], HttpResponseBase]
AWAY: Final = (StoreUnavailableError, OperationalError, InterfaceError, RedisError)
KNOWN: Final = (CompatError, QuotaExceededError, SegmentationError, JobsError, *AWAY)
AWAY_SECONDS: Final = "30"
FULL_SECONDS: Final = "5"


def compat_view(
    *methods: str, render_error: ErrorRenderer = responses.error_response
) -> Callable[[View], View]:
    """Wraps a view that takes these methods and OPTIONS; `render_error` renders its errors."""
    allowed = ", ".join(methods)

    def wrap(view: View) -> View:
        @wraps(view)
        async def act(request: HttpRequest) -> HttpResponseBase:
            method = "GET" if request.method == "HEAD" else request.method
            if method == "OPTIONS":
                return responses.preflight(request, allowed)
            try:
                if method not in methods:
                    raise CompatError("method_not_allowed", f"Use {allowed}.", {"Allow": allowed})
                return await view(request)
            except KNOWN as error:
                return render_error(await _with_rate_limit(request, to_compat_error(error)))
            except Exception as error:
                if is_gone(error):
                    logger.warning("The objects of a call were deleted meanwhile: %r", error)
                    return render_error(
                        CompatError("unavailable", "Try again.", {"Retry-After": AGAIN_SECONDS})
                    )
                logger.exception("A call failed")
                return render_error(CompatError("internal_error", "Internal error. Try again."))

        return act

    return wrap


async def _with_rate_limit(request: HttpRequest, error: CompatError) -> CompatError:
    """Adds the rate limit headers to every 429, whichever limit was exceeded."""
    user = user_of(request)
    if error.status == 429 and user is not None:
        pace = await run_in_thread(rate.look, user)
        error.headers = {**pace.headers, **error.headers}
    return error


def to_compat_error(error: Exception) -> CompatError:
    """Translates any known error into a CompatError."""
    if isinstance(error, CompatError):
        return error
    if isinstance(error, QuotaExceededError):
        if error.code == "too_many_in_flight":
            return CompatError("rate_limit_exceeded", error.sentence, {"Retry-After": FULL_SECONDS})
        return CompatError("insufficient_credits", error.sentence)
    if isinstance(error, SegmentationError | JobsError):
        return picture_error(error.code, error.sentence)
    logger.error("A call failed because a service is unavailable: %s", error)
    sentence = (
        error.sentence
        if isinstance(error, StoreUnavailableError)
        else "A service is unavailable for now. Try again."
    )
    return CompatError("unavailable", sentence, {"Retry-After": AWAY_SECONDS})
