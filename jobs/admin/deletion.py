"""Deleting in the admin: the owner gets a receipt and a mail, with the reason where staff gave one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from jobs.models import Receipt

ROWS_AT_ONCE = 500


class ReasonForm(forms.Form):
    """Why something is deleted, in words for its owner."""

    note = forms.CharField(label="Reason, for the owner", max_length=500, widget=UnfoldAdminTextInputWidget)


class DeletesWithFiles(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows that go with their files, by a service: with a receipt for the owner, and a mail."""

    actions: ClassVar = ["delete_with_reason"]
    # removal.delete_jobs or removal.delete_pictures
    delete_rows: ClassVar[Callable[..., int]]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """With its files."""
        self._delete([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """With their files."""
        self._delete(list(queryset.values_list("pk", flat=True)))

    @admin.action(description="Delete, and tell the owner why…", permissions=["delete"])
    def delete_with_reason(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for the reason, then delete; the owner reads it in the receipt and in a mail."""
        rows = list(queryset[: ROWS_AT_ONCE + 1])
        if len(rows) > ROWS_AT_ONCE:
            self.message_user(request, f"Choose at most {ROWS_AT_ONCE} rows at once.", messages.ERROR)
            return None
        form = ReasonForm(request.POST if "sure" in request.POST else None)
        if not form.is_valid():
            context = {**self.admin_site.each_context(request), "form": form, "rows": rows}
            context |= {"title": "Delete, and tell the owner why", "opts": self.model._meta}
            return TemplateResponse(request, "admin/jobs/delete_with_reason.html", context)
        self.log_deletions(request, rows)
        count = self._delete([row.pk for row in rows], form.cleaned_data["note"])
        self.message_user(request, f"Deleted with all files: {count}.", messages.SUCCESS)
        return None

    def _delete(self, rows: Collection[UUID], note: str = "") -> int:
        return type(self).delete_rows(rows, Receipt.Reason.STAFF, note=note)
