"""Requests whose Content-Type nobody can take apart, or that name a character set that is none.

Django's request breaks on the first before any of its error pages is there, and its forms on some of the
second: on those that Python knows, and that are no character sets of texts.
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
# Python's own: some know no replacement for what they cannot read, some take ages for what they can.
NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})


class ContentType:
    """An ASGI application that takes such a header away and marks the request, for the middleware below."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not _is_readable(_content_type(scope)):
            others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
            scope = {**scope, "headers": others, UNREADABLE: True}
        await self.application(scope, receive, send)


class ContentTypeMiddleware(MiddlewareMixin):
    """Answers 400 to a request that was marked."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """A page for people, JSON for programs and scripts."""
        if not getattr(request, "scope", {}).get(UNREADABLE):
            return None
        if request.path_info.startswith("/api/") or not request.accepts("text/html"):
            return JsonResponse(REFUSAL, status=400)
        return render(request, "400.html", status=400)


def _content_type(scope: Scope) -> str:
    # As Django joins those that come more than once.
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type")


def _is_readable(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        charset = parameters.get("charset")
        if not charset:
            return True
        # A codec from bytes to bytes is found, but reads no text.
        b"a".decode(charset, "replace")
        return codecs.lookup(charset).name not in NO_CHARSETS
    except (LookupError, ValueError):
        return False
