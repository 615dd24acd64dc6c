"""Middleware: 503 if the file store is unavailable, 404 if an object was deleted during the request, 403 if a
moderator hid it.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import page_not_found

from jobs.errors import GoneError, HiddenError
from jobs.gone import is_gone
from jobs.storage import StoreUnavailableError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30


def store_unavailable(request: HttpRequest, error: StoreUnavailableError) -> HttpResponse:
    """503 with Retry-After: HTML for browsers, JSON for scripts."""
    facts = {"code": error.code, "sentence": error.sentence}
    response = (
        render(request, "503.html", facts, status=503)
        if request.accepts("text/html")
        else JsonResponse(facts, status=503)
    )
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


class StoreUnavailableMiddleware(MiddlewareMixin):
    """Turns StoreUnavailableError into a 503 with Retry-After."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """HTML for browsers, JSON for scripts."""
        if not isinstance(exception, StoreUnavailableError):
            return None
        logger.error("The file store is unavailable: %s", exception)
        return store_unavailable(request, exception)


class DeletedMeanwhileMiddleware(MiddlewareMixin):
    """Turns errors about objects that were deleted during the request into a 404."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The usual 404 page for browsers, JSON for scripts."""
        if not is_gone(exception):
            return None
        logger.warning("%s: the object was deleted meanwhile: %r", request.path, exception)
        if request.accepts("text/html"):
            return page_not_found(request, exception)
        return JsonResponse(GoneError().as_dict(), status=GoneError.status)


class HiddenMiddleware(MiddlewareMixin):
    """Turns HiddenError into a 403 that says where its owner reads why."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page for browsers, JSON for scripts."""
        if not isinstance(exception, HiddenError):
            return None
        if request.accepts("text/html"):
            return render(request, "jobs/hidden.html", status=exception.status)
        return JsonResponse(exception.as_dict(), status=exception.status)
