"""Responses are not cacheable unless the view says so."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

PRIVATE: Final = "private, no-store"


class PrivateMiddleware(MiddlewareMixin):
    """Sets `Cache-Control: private, no-store` on every response without that header: most pages are private.

    Static files are served by an outer middleware and may be cached.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Returns the same response, with the header."""
        response.headers.setdefault("Cache-Control", PRIVATE)
        return response
