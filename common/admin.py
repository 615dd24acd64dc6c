"""Base classes of the admin."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from unfold.admin import ModelAdmin

from common.paging import BoundedPaginator

# Columns that no list may be filtered by. Whether a row is listed would answer guesses at their content.
SECRET_COLUMNS: Final = frozenset(
    {"session_key", "session_data", "password", "digest", "salt", "fingerprint", "secret", "data", "token"}
)


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows written by users and workers, not by staff."""

    show_full_result_count = False
    paginator = BoundedPaginator
    # Ids follow creation time, so the newest page is read from the primary key's index alone.
    ordering: tuple[str, ...] = ("-pk",)
    list_per_page = 25

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Staff cannot filter by a secret column, by whatever address."""
        if not SECRET_COLUMNS.isdisjoint(lookup.split("__")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

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
