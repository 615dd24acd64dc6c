"""Around every view of this room: methods, preflights, and errors as answers that clients can read."""

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
from jobs.compat.errors import AGAIN_SECONDS, CompatError, of_picture
from jobs.errors import JobsError
from jobs.gone import is_gone
from jobs.storage import StoreUnavailableError
from segmentation.errors import SegmentationError

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Words = Callable[[CompatError], HttpResponseBase]
AWAY: Final = (StoreUnavailableError, OperationalError, InterfaceError, RedisError)
KNOWN: Final = (CompatError, QuotaExceededError, SegmentationError, JobsError, *AWAY)
AWAY_SECONDS: Final = "30"
FULL_SECONDS: Final = "5"


def guarded(*methods: str, words: Words = responses.refused) -> Callable[[View], View]:
    """A view that takes these methods (and OPTIONS), and whose errors are answers as `words` writes them."""
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
                return words(await _with_pace(request, in_words(error)))
            except Exception as error:
                if is_gone(error):
                    logger.warning("a call was about something that is gone: %r", error)
                    return words(CompatError("unavailable", "Try it again.", {"Retry-After": AGAIN_SECONDS}))
                logger.exception("a call failed")
                return words(CompatError("internal_error", "Something went wrong on our side. Try it again."))

        return act

    return wrap


async def _with_pace(request: HttpRequest, error: CompatError) -> CompatError:
    """Every 429 says what is left of the minute, whatever it is that there is too much of."""
    user = user_of(request)
    if error.status == 429 and user is not None:
        pace = await run_in_thread(rate.look, user)
        error.headers = {**pace.headers, **error.headers}
    return error


def in_words(error: Exception) -> CompatError:
    """An error of another room as this API says it."""
    if isinstance(error, CompatError):
        return error
    if isinstance(error, QuotaExceededError):
        if error.code == "too_many_in_flight":
            return CompatError("rate_limit_exceeded", error.sentence, {"Retry-After": FULL_SECONDS})
        return CompatError("insufficient_credits", error.sentence)
    if isinstance(error, SegmentationError | JobsError):
        return of_picture(error.code, error.sentence)
    logger.error("a call could not be answered: %s", error)
    sentence = (
        error.sentence if isinstance(error, StoreUnavailableError) else "Nothing is lost; try it again."
    )
    return CompatError("unavailable", sentence, {"Retry-After": AWAY_SECONDS})
