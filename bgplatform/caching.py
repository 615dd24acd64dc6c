"""Nothing that a view answers is kept by a cache unless the view says so."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

PRIVATE: Final = "private, no-store"


class PrivateMiddleware(MiddlewareMixin):
    """`Cache-Control: private, no-store` for every answer that has none: most pages are somebody's own.

    Static files are answered further out and may be kept.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The same answer, with the header."""
        response.headers.setdefault("Cache-Control", PRIVATE)
        return response
