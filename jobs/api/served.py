"""Where the API and its documentation are."""

from django.urls import include, path

from jobs.api.endpoints.docs import DocsView, NowhereView, SchemaView

urlpatterns = [
    path("api/v1/", include("jobs.api.urls")),
    path("api/v1/<path:rest>", NowhereView.as_view(), name="api-nowhere"),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
]
