"""Shares, read-only. Moderators hide them in the queue."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from accounts.opening import RecordsOpening
from common.admin import Kept
from jobs.models import Share


class ShareAdmin(RecordsOpening, Kept):
    """Who shares what, until when. The link's token and the password are not shown."""

    list_display = (
        "shown_title",
        "user",
        "kind",
        "may_download",
        "has_password",
        "views",
        "downloads",
        "created_at",
        "expires_at",
        "revoked_at",
        "hidden_at",
    )
    list_select_related = ("user",)
    list_filter = ("kind", "may_download", "created_at")
    search_fields = ("title", "user__email", "id", "job__id")
    exclude: ClassVar = ("salt", "digest", "password", "pictures")

    @admin.display(description="title")
    def shown_title(self, share: Share) -> str:
        """The title that visitors read."""
        return share.title or "–"

    @admin.display(description="password", boolean=True)
    def has_password(self, share: Share) -> bool:
        """Whether the share has a password."""
        return bool(share.password)
