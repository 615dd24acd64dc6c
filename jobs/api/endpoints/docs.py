"""The schema, a page that shows it, and what lies beside the API's addresses."""

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
    """The OpenAPI schema: YAML, or JSON for those who ask for application/vnd.oai.openapi+json."""

    throttle_classes = ()


class HtmlRenderer(BaseContentNegotiation):
    """The page whatever is accepted: a health check that asks for JSON looks at the status."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The first one; nothing is sent to a page that is only read."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one, which makes the page."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, from our own host and without a script or a style in the page itself."""

    content_negotiation_class = HtmlRenderer
    url_name = "api-schema"
    template_name = "api/docs.html"
    throttle_classes = ()


class NotFoundView(ApiView):
    """An address that there is not: the same refusal as for what is not yours."""

    permission_classes = (AllowAny,)
    throttle_classes = ()
    schema = None

    def get(self, request: Request, rest: str) -> HttpResponse:
        """There is nothing here."""
        raise Http404

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """There is nothing that a condition could be about."""
        raise Http404

    post = put = patch = delete = get
