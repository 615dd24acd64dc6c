"""What every page says when the file store is away, and when what it is about was deleted meanwhile."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import page_not_found

from jobs.errors import GoneError
from jobs.gone import is_gone
from jobs.storage import StoreUnavailableError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30


def store_unavailable(request: HttpRequest, error: StoreUnavailableError) -> HttpResponse:
    """A page for people, JSON for scripts, and when to come back."""
    facts = {"code": error.code, "sentence": error.sentence}
    response = (
        render(request, "503.html", facts, status=503)
        if request.accepts("text/html")
        else JsonResponse(facts, status=503)
    )
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


class StoreUnavailableMiddleware(MiddlewareMixin):
    """ConcurrencyLimit a store that does not answer into a 503 that says when to come back."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page for people, JSON for scripts."""
        if not isinstance(exception, StoreUnavailableError):
            return None
        logger.error("the store is away: %s", exception)
        return store_unavailable(request, exception)


class DeletedMeanwhileMiddleware(MiddlewareMixin):
    """ConcurrencyLimit what was deleted between a page's look and its act into a 404."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The usual page for people, JSON for scripts."""
        if not is_gone(exception):
            return None
        logger.warning("%s was about something that is gone: %r", request.path, exception)
        if request.accepts("text/html"):
            return page_not_found(request, exception)
        return JsonResponse(GoneError().as_dict(), status=GoneError.status)
