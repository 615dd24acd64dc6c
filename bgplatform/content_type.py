"""Rejects requests whose Content-Type cannot be parsed or names an unusable character set.

Django's request fails on an unparsable Content-Type before any error page can be rendered. Its forms fail on
codecs that Python knows but that are not text encodings.
"""

from __future__ import annotations

import codecs
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import parse_header_parameters

from bgplatform.body_limit import Application, Receive, Scope, Send, refusal

UNREADABLE: Final = "unreadable"
REFUSAL: Final = refusal(
    "bad_request",
    "The Content-Type of this request cannot be read. Send UTF-8, or leave the character set out.",
)
# Python-specific codecs: some ignore the "replace" error handler, some decode in quadratic time.
NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})


class ContentType:
    """ASGI middleware that removes a bad Content-Type and marks the request for ContentTypeMiddleware."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and not _is_readable(_content_type(scope)):
            others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
            scope = {**scope, "headers": others, UNREADABLE: True}
        await self.application(scope, receive, send)


class ContentTypeMiddleware(MiddlewareMixin):
    """Answers 400 to a marked request."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Returns an HTML page for browsers, JSON for API clients and scripts."""
        if not getattr(request, "scope", {}).get(UNREADABLE):
            return None
        if request.path_info.startswith("/api/") or not request.accepts("text/html"):
            return JsonResponse(REFUSAL, status=400)
        return render(request, "400.html", status=400)


def _content_type(scope: Scope) -> str:
    # Django joins repeated headers in the same way.
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type")


def _is_readable(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        charset = parameters.get("charset")
        if not charset:
            return True
        # A bytes-to-bytes codec passes the lookup but cannot decode text.
        b"a".decode(charset, "replace")
        return codecs.lookup(charset).name not in NO_CHARSETS
    except (LookupError, ValueError):
        return False
