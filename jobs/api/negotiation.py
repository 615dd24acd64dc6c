"""Content negotiation: always JSON, whatever the Accept header says. Files keep their own media types."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches


class DefaultJSONRenderer(BaseContentNegotiation):
    """Always the first renderer. A client that accepts image/png gets the file, or an error in JSON."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser for the body's media type. None leads to a 415."""
        for parser in parsers:
            if media_type_matches(parser.media_type, request.content_type):
                return parser
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Always JSON."""
        first = next(iter(renderers))
        return first, str(first.media_type)
