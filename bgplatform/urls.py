"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from bgplatform import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("account/", include("allauth.urls")),
    path("", include("jobs.urls")),
]
