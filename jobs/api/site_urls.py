"""Where the API and its documentation are."""

from django.urls import include, path, re_path

from jobs.api.endpoints.docs import DocsView, NotFoundView, SchemaView

urlpatterns = [
    path("api/v1/", include("jobs.api.urls")),
    # Whatever follows, line breaks too, which no path converter takes.
    re_path(r"^(?:/*)api/+v1/(?P<rest>[\s\S]*)\Z", NotFoundView.as_view(), name="api-nowhere"),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
    # Where rembg's server has its documentation: health checks of its containers ask for it.
    path("api", DocsView.as_view(), name="api-docs-short"),
    path("api/", DocsView.as_view(), name="api-docs-slash"),
]
