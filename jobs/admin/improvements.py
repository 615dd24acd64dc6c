"""Improvement reports, read-only: pictures that users sent because the cut-out was bad."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.opening import RecordsOpening
from common.admin import Kept
from jobs.models import Improvement
from jobs.serving import ServedFile, serve_file
from segmentation.pictures.types import FORMATS


class ImprovementAdmin(RecordsOpening, Kept):
    """Newest first, each with its picture to download. The cleanup deletes old reports with their files."""

    list_display = ("name", "tag", "user", "format", "width", "height", "size", "file", "created_at")
    list_select_related = ("user",)
    list_filter = ("created_at",)
    search_fields = ("name", "tag", "user__email")
    readonly_fields = ("file",)

    @admin.display(description="picture")
    def file(self, improvement: Improvement) -> str:
        """The download link of the picture."""
        address = reverse("admin:jobs_improvement_file", args=[improvement.pk])
        return format_html('<a href="{}" download>Download</a>', address)

    def get_urls(self) -> list[URLPattern]:
        """Adds the URL of the picture, for staff who may view improvements."""
        own = self.admin_site.admin_view(self.sent)
        return [path("<uuid:improvement_id>/file/", own, name="jobs_improvement_file"), *super().get_urls()]

    def sent(self, request: HttpRequest, improvement_id: UUID) -> ServedFile:
        """Serves the picture as it was sent. As an untrusted file it is a download, never shown inline."""
        found: Improvement | None = Improvement.objects.filter(pk=improvement_id).first()
        if found is None or not self.has_view_permission(request, found):
            raise Http404("No such picture.")
        media_type = FORMATS[found.format].media_type
        return serve_file(found.key, media_type=media_type, name=found.name, download=True, cache=False)
