"""Feedback for staff, to look at: which results were good, and what people say about the others."""

from __future__ import annotations

from common.admin import Kept


class FeedbackAdmin(Kept):
    """The newest first, each with its picture to open."""

    list_display = ("picture", "rating", "words", "user", "updated_at")
    list_select_related = ("user", "picture")
    list_filter = ("rating", "updated_at")
    search_fields = ("words", "user__email", "picture__name")
    ordering = ("-updated_at",)
