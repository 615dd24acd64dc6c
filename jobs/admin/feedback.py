"""Users' feedback on results, read-only."""

from __future__ import annotations

from common.admin import Kept


class FeedbackAdmin(Kept):
    """Newest first, each with a link to its picture."""

    list_display = ("picture", "verdict", "reasons", "words", "model", "matte_revision", "user", "updated_at")
    list_select_related = ("user", "picture")
    list_filter = ("verdict", "origin", "updated_at")
    search_fields = ("words", "user__email", "picture__name")
    ordering = ("-updated_at",)
