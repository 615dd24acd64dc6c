"""Pages for server errors (500) and disallowed methods (405): HTML for people, JSON for the API."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.views import defaults

from jobs.middleware import store_unavailable
from jobs.storage import StoreUnavailableError

SERVER_ERROR = {
    "code": "internal_error",
    "sentence": "Something went wrong on our side. Try it again.",
    "field": None,
}


def server_error(request: HttpRequest) -> HttpResponse:
    """Returns the 500 response; Django has logged the exception."""
    error = sys.exc_info()[1]
    if isinstance(error, StoreUnavailableError):
        # Raised before any view ran, by a middleware that reads the form.
        return store_unavailable(request, error)
    if request.path_info.startswith("/api/"):
        return JsonResponse({**SERVER_ERROR, "errors": [SERVER_ERROR]}, status=500)
    return defaults.server_error(request)


class MethodNotAllowedPageMiddleware(MiddlewareMixin):
    """Renders a page for a GET of a POST-only address: browsers show Django's empty 405 as a broken site.

    People get there by the address bar after a secret was shown, and by signing in again after a session
    expired.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Returns the same 405, with a page where a browser asked."""
        if (
            not isinstance(response, HttpResponseNotAllowed)
            or request.method != "GET"
            or response.content
            or request.path_info.startswith("/api/")
            or not request.accepts("text/html")
        ):
            return response
        # Fills the existing response: a new one would be logged again.
        response.content = render_to_string("405.html", request=request)
        return response
