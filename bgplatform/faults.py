"""A fault of ours, and pages that are none: a page for people, and for programs the shape that they know."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.views import defaults

from jobs.middleware import store_unavailable
from jobs.storage import StoreUnavailableError

FAULT = {
    "code": "internal_error",
    "sentence": "Something went wrong on our side. Try it again.",
    "field": None,
}


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to whoever asked for what broke; Django has logged why."""
    error = sys.exc_info()[1]
    if isinstance(error, StoreUnavailableError):
        # Raised where no view was asked yet, by a middleware that reads the form.
        return store_unavailable(request, error)
    if request.path_info.startswith("/api/"):
        return JsonResponse({**FAULT, "errors": [FAULT]}, status=500)
    return defaults.server_error(request)


class NothingToSeeMiddleware(MiddlewareMixin):
    """A page for who opens the address of a button: a browser shows Django's empty 405 as a broken site.

    One gets there by the address bar after a secret was shown, and by signing in after a session had ended.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The same refusal, with a body where a person asked."""
        if (
            not isinstance(response, HttpResponseNotAllowed)
            or request.method != "GET"
            or response.content
            or request.path_info.startswith("/api/")
            or not request.accepts("text/html")
        ):
            return response
        # Into the answer that there is: as another one it would be logged once more.
        response.content = render_to_string("405.html", request=request)
        return response
