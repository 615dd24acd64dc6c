"""The schema, a page that shows it, and what lies beside the API's addresses."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from jobs.api.base import ApiView


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema: YAML, or JSON for those who ask for application/vnd.oai.openapi+json."""

    throttle_classes = ()


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, from our own host and without a script or a style in the page itself."""

    url_name = "api-schema"
    template_name = "api/docs.html"
    throttle_classes = ()


class NowhereView(ApiView):
    """An address that there is not: the same refusal as for what is not yours."""

    permission_classes = (AllowAny,)
    throttle_classes = ()
    schema = None

    def get(self, request: Request, rest: str) -> HttpResponse:
        """There is nothing here."""
        raise Http404

    post = put = patch = delete = get
