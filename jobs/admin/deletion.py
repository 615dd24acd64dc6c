"""Deletion in the admin. The owner gets a receipt and a mail, with the reason if staff gave one."""

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
    """The reason for a deletion, as the owner will read it."""

    note = forms.CharField(
        label="Reason (shown to the owner)", max_length=500, widget=UnfoldAdminTextInputWidget
    )


class DeletesWithFiles(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Deletes rows and their files through a service. The owner gets a receipt and a mail."""

    actions: ClassVar = ["delete_with_reason"]
    # removal.delete_jobs or removal.delete_pictures
    delete_rows: ClassVar[Callable[..., int]]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Deletes the row and its files."""
        self._delete([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Deletes the rows and their files."""
        self._delete(list(queryset.values_list("pk", flat=True)))

    @admin.action(description="Delete with a reason for the owner…", permissions=["delete"])
    def delete_with_reason(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Asks for the reason, then deletes. The owner gets the reason in the receipt and in a mail."""
        rows = list(queryset[: ROWS_AT_ONCE + 1])
        if len(rows) > ROWS_AT_ONCE:
            self.message_user(request, f"Choose at most {ROWS_AT_ONCE} rows at once.", messages.ERROR)
            return None
        form = ReasonForm(request.POST if "sure" in request.POST else None)
        if not form.is_valid():
            context = {**self.admin_site.each_context(request), "form": form, "rows": rows}
            context |= {"title": "Delete with a reason for the owner", "opts": self.model._meta}
            return TemplateResponse(request, "admin/jobs/delete_with_reason.html", context)
        self.log_deletions(request, rows)
        count = self._delete([row.pk for row in rows], form.cleaned_data["note"])
        self.message_user(request, f"Deleted with all files: {count}.", messages.SUCCESS)
        return None

    def _delete(self, rows: Collection[UUID], note: str = "") -> int:
        return type(self).delete_rows(rows, Receipt.Reason.STAFF, note=note)
