"""Serializers of webhooks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import StrictBooleanField, StrictCharField, StrictSerializer
from jobs.api.serializers.common import ResponseSerializer, UrlField
from jobs.models import WebhookDelivery, WebhookEndpoint, WebhookEvent

_EVENTS = [(value, value) for value in WebhookEndpoint.EVENTS]


class NewWebhook(StrictSerializer):
    """A webhook's URL and events."""

    url = StrictCharField(max_length=WebhookEndpoint.MAX_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=_EVENTS),
        required=False,
        allow_empty=False,
        max_length=100,
        help_text="Default: all events.",
    )
    description = StrictCharField(required=False, allow_blank=True, max_length=200)


class WebhookChange(StrictSerializer):
    """The fields of a webhook that can be changed."""

    url = StrictCharField(required=False, max_length=WebhookEndpoint.MAX_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=_EVENTS), required=False, allow_empty=False, max_length=100
    )
    description = StrictCharField(required=False, allow_blank=True, max_length=200)
    enabled = StrictBooleanField(required=False)


class WebhookSerializer(ResponseSerializer):
    """A webhook."""

    id = serializers.UUIDField()
    endpoint = serializers.CharField(source="url", help_text="The URL that receives the messages.")
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=_EVENTS))
    enabled = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(help_text="Empty while the webhook is enabled.")
    failing_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    url = UrlField("webhook")
    deliveries_url = UrlField("webhook-deliveries")


class WebhookSecretSerializer(WebhookSerializer):
    """A webhook with its signing secret, which is shown only once."""

    secret = serializers.CharField()


class AttemptSerializer(ResponseSerializer):
    """One delivery attempt."""

    at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField()
    status = serializers.IntegerField(
        allow_null=True, help_text="The HTTP status of the receiver's response."
    )
    error_code = serializers.CharField()
    error_sentence = serializers.CharField()


class DeliverySerializer(ResponseSerializer):
    """The delivery of a message to one webhook."""

    id = serializers.UUIDField()
    webhook = serializers.UUIDField(source="endpoint_id")
    message = serializers.SerializerMethodField()
    event = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices)
    attempts = AttemptSerializer(source="log.all", many=True)
    next_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField(source="message.created_at")

    def get_message(self, delivery: WebhookDelivery) -> str:
        """The `webhook-id` header: the same for all attempts."""
        return delivery.message.name

    @extend_schema_field(serializers.ChoiceField(choices=WebhookEvent.choices))
    def get_event(self, delivery: WebhookDelivery) -> Any:
        """The event that the message reports."""
        return delivery.message.event
