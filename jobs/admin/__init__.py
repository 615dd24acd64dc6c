"""The admin of jobs: staff search, view and delete. Deletion goes through the services, which delete the
files too.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import TabularInline

from accounts.opening import RecordsOpening
from common.admin import ReadOnly
from jobs import selectors
from jobs.admin.actions import JobActions
from jobs.admin.deletion import DeletesWithFiles
from jobs.admin.feedback import FeedbackAdmin
from jobs.admin.improvements import ImprovementAdmin
from jobs.admin.moderation.cases import CaseAdmin
from jobs.admin.people import PeopleAdmin as PeopleAdmin
from jobs.admin.refused_pictures import RefusedPictureAdmin
from jobs.admin.satisfaction import SatisfactionAdmin
from jobs.admin.searching import FileSearch, JobSearch, PictureSearch, UploadSearch
from jobs.admin.shares import ShareAdmin
from jobs.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin
from jobs.models import (
    Case,
    DailyFigures,
    Feedback,
    Improvement,
    Job,
    Matte,
    Picture,
    Receipt,
    RefusedPicture,
    Rendition,
    Share,
    Upload,
    WebhookDelivery,
    WebhookEndpoint,
)
from jobs.services import removal
from jobs.serving import ServedFile, serve_file
from segmentation.pictures.types import FORMATS


class CascadeDeletePermission(ReadOnly):
    """Rows that staff may delete. Permission on a row covers the dependent rows that go with it."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """As in Django, but dependent models, such as mattes, need no delete permission of their own."""
        shown, counts, needed, protected = super().get_deleted_objects(objs, request)
        along = {str(model._meta.verbose_name) for model in (Picture, Matte, Rendition, Feedback, Share)}
        own = {str(self.opts.verbose_name)}
        return shown, counts, needed - (along - own), protected


def image(url: str, alt: str) -> str:
    """Returns a thumbnail for a list."""
    return format_html('<img src="{}" alt="{}" width="96" loading="lazy">', url, alt)


class ErrorCodeFilter(admin.SimpleListFilter):
    """Filters by the existing error codes, read from an index. Django's default filter scans every row."""

    title = "error code"
    parameter_name = "error_code__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All codes, sorted."""
        coded = model_admin.model.objects.exclude(error_code="").order_by("error_code")
        return [(code, code) for code in coded.values_list("error_code", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows with the chosen code."""
        return queryset.filter(error_code=self.value()) if self.value() else queryset


class FormatFilter(admin.SimpleListFilter):
    """Filters by picture format."""

    title = "format"
    parameter_name = "format__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All formats, by label."""
        return [(one.name, one.label) for one in FORMATS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows with the chosen format."""
        return queryset.filter(format=self.value()) if self.value() else queryset


class PictureInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The pictures of a job, paginated."""

    model = Picture
    fields = ("position", "name", "state", "error_code", "attempts", "confidence")
    readonly_fields = fields
    extra = 0
    per_page = 25
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Pictures are created with their job."""
        return False


@admin.register(Job)
class JobAdmin(RecordsOpening, JobSearch, JobActions, DeletesWithFiles, CascadeDeletePermission):
    """Find jobs, view their pictures, cancel them, run them again, delete them with their files."""

    list_display = ("title", "user", "state", "origin", "lane", "picture_count", "created_at", "finished_at")
    list_filter = ("state", "origin", "lane", "pinned", "created_at")
    list_select_related = ("user",)
    inlines: ClassVar = [PictureInline]
    actions: ClassVar = [*JobActions.actions, *DeletesWithFiles.actions]
    delete_rows = staticmethod(removal.delete_jobs)


@admin.register(Picture)
class PictureAdmin(RecordsOpening, PictureSearch, DeletesWithFiles, CascadeDeletePermission):
    """Find pictures by name, owner or state; view source and result; delete them with their files."""

    list_display = (
        "source_image",
        "result_image",
        "name",
        "user",
        "state",
        "error_code",
        "attempts",
        "queued_at",
    )
    list_filter = ("state", ErrorCodeFilter, FormatFilter, "lane", "queued_at")
    list_select_related = ("user", "job")
    ordering = ("-queued_at", "-id")
    delete_rows = staticmethod(removal.delete_pictures)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Picture]:
        """Adds whether a result exists, in the same query."""
        from django.db.models import Exists, OuterRef

        queryset: QuerySet[Picture] = super().get_queryset(request)
        return queryset.annotate(has_result=Exists(Rendition.objects.filter(picture=OuterRef("pk"))))

    @admin.display(description="source")
    def source_image(self, picture: Picture) -> str:
        """The thumbnail of the source."""
        return (
            image(reverse("admin:jobs_picture_thumb", args=[picture.pk]), "source")
            if picture.thumb_key
            else "–"
        )

    @admin.display(description="result")
    def result_image(self, picture: Picture) -> str:
        """The preview of the newest rendition."""
        return (
            image(reverse("admin:jobs_picture_preview", args=[picture.pk]), "result")
            if getattr(picture, "has_result", False)
            else "–"
        )

    def get_urls(self) -> list[URLPattern]:
        """Adds the URLs of thumbnails and previews, for staff who may view pictures."""
        return [
            path(
                "<uuid:picture_id>/thumb/",
                self.admin_site.admin_view(self.thumb),
                name="jobs_picture_thumb",
            ),
            path(
                "<uuid:picture_id>/preview/",
                self.admin_site.admin_view(self.preview),
                name="jobs_picture_preview",
            ),
            *super().get_urls(),
        ]

    def thumb(self, request: HttpRequest, picture_id: UUID) -> ServedFile:
        """Serves the thumbnail of the source."""
        return _serve_small(self._visible(request, picture_id).thumb_key)

    def preview(self, request: HttpRequest, picture_id: UUID) -> ServedFile:
        """Serves the preview of the result."""
        rendition = self._visible(request, picture_id).rendition
        return _serve_small(rendition.preview_key if rendition else "")

    def _visible(self, request: HttpRequest, picture_id: UUID) -> Picture:
        picture: Picture | None = Picture.objects.filter(pk=picture_id).first()
        if picture is None or not self.has_view_permission(request, picture):
            raise Http404("No such picture.")
        selectors.attach_renditions([picture])
        return picture


def _serve_small(key: str) -> ServedFile:
    if not key:
        raise Http404("There is no thumbnail or preview.")
    return serve_file(key, media_type="image/webp", name="small.webp", download=False)


@admin.register(Matte)
class MatteAdmin(FileSearch, ReadOnly):
    """Mattes by revision."""

    list_display = ("picture", "revision", "origin", "confidence", "width", "height", "created_at")
    list_filter = ("origin", "created_at")
    list_select_related = ("picture",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A matte is deleted with its picture."""
        return False


@admin.register(Rendition)
class RenditionAdmin(FileSearch, ReadOnly):
    """Output files."""

    list_display = ("picture", "extension", "size", "width", "height", "created_at")
    list_filter = ("extension", "created_at")
    list_select_related = ("picture",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A rendition is deleted with its picture."""
        return False


@admin.register(Upload)
class UploadAdmin(RecordsOpening, UploadSearch, ReadOnly):
    """Uploads: which files were refused, and why."""

    list_display = ("name", "user", "state", "format", "size", "error_code", "created_at")
    list_filter = ("state", ErrorCodeFilter, FormatFilter, "created_at")
    list_select_related = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An upload is deleted by the cleanup or with its picture."""
        return False


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly):
    """Receipts: what was deleted, when and why."""

    list_display = (
        "title",
        "user",
        "whole",
        "reason",
        "note",
        "picture_count",
        "job_created_at",
        "deleted_at",
    )
    list_filter = ("reason", "deleted_at")
    list_select_related = ("user",)
    search_fields = ("title", "user__email", "job")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A receipt is kept as long as its owner's account."""
        return False


admin.site.register(Case, CaseAdmin)
admin.site.register(DailyFigures, SatisfactionAdmin)
admin.site.register(Feedback, FeedbackAdmin)
admin.site.register(Improvement, ImprovementAdmin)
admin.site.register(RefusedPicture, RefusedPictureAdmin)
admin.site.register(Share, ShareAdmin)
admin.site.register(WebhookEndpoint, WebhookEndpointAdmin)
admin.site.register(WebhookDelivery, WebhookDeliveryAdmin)
