"""The URLs of the API and its documentation."""

from django.urls import include, path, re_path

from jobs.api.endpoints.docs import DocsView, NotFoundView, SchemaView

urlpatterns = [
    path("api/v1/", include("jobs.api.urls")),
    # Everything else below /api/v1/, also with line breaks, which no path converter matches.
    re_path(r"^(?:/*)api/+v1/(?P<rest>[\s\S]*)\Z", NotFoundView.as_view(), name="api-nowhere"),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
    # rembg's server has its documentation here, and its containers' health checks request it.
    path("api", DocsView.as_view(), name="api-docs-short"),
    path("api/", DocsView.as_view(), name="api-docs-slash"),
]
