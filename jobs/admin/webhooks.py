"""Webhooks, read-only: endpoints, deliveries and their attempts."""

from __future__ import annotations

from typing import ClassVar

from unfold.admin import TabularInline

from common.admin import Kept
from jobs.models import WebhookAttempt


class WebhookEndpointAdmin(Kept):
    """Webhook endpoints. Secrets are not stored, so none are shown."""

    list_display = (
        "url",
        "user",
        "enabled",
        "disabled_reason",
        "failing_since",
        "created_at",
    )
    list_select_related = ("user",)
    list_filter = ("enabled", "disabled_reason")
    search_fields = ("url", "user__email")
    ordering = ("-created_at",)


class AttemptInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The attempts of a delivery."""

    model = WebhookAttempt
    fields = ("at", "status", "milliseconds", "error_code", "error_sentence")
    readonly_fields = fields
    extra = 0
    can_delete = False


class WebhookDeliveryAdmin(Kept):
    """Webhook deliveries: waiting, delivered and failed."""

    list_display = ("message", "endpoint", "state", "attempts", "next_at", "ended_at")
    list_select_related = ("message", "endpoint")
    list_filter = ("state",)
    search_fields = ("endpoint__url", "endpoint__user__email")
    ordering = ("-id",)
    inlines: ClassVar = [AttemptInline]
