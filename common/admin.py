"""Base classes of the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin

from common.paging import BoundedPaginator


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows written by users and workers, not by staff."""

    show_full_result_count = False
    paginator = BoundedPaginator
    # Ids follow creation time, so the newest page is read from the primary key's index alone.
    ordering: tuple[str, ...] = ("-pk",)
    list_per_page = 25

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff cannot add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff can view but not edit."""
        return False


class Kept(ReadOnly):
    """Read-only rows that cannot be deleted either."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounting rows are never deleted."""
        return False
