"""The OpenAPI schema, the Swagger UI page, and the 404 for unknown API URLs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpResponse
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from jobs.api.base import ApiView


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema: YAML by default, JSON for Accept: application/vnd.oai.openapi+json."""

    throttle_classes = ()


class HtmlRenderer(BaseContentNegotiation):
    """Renders HTML whatever the Accept header says: health checks that ask for JSON only need the status."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The first parser; the page has no request body."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer, which is the HTML one."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, served from this host, without inline scripts or styles."""

    content_negotiation_class = HtmlRenderer
    url_name = "api-schema"
    template_name = "api/docs.html"
    throttle_classes = ()


class NotFoundView(ApiView):
    """Any other URL below /api/v1/: the same 404 as for another user's objects."""

    permission_classes = (AllowAny,)
    throttle_classes = ()
    schema = None

    def get(self, request: Request, rest: str) -> HttpResponse:
        """Always 404."""
        raise Http404

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """Always 404, also with If-Match."""
        raise Http404

    post = put = patch = delete = get
