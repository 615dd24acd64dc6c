"""Webhooks over the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import Flag, StrictCharField, StrictSerializer
from jobs.api.serializers.common import Address, Shape
from jobs.models import WebhookDelivery, WebhookEndpoint, WebhookEvent

_EVENTS = [(value, value) for value in WebhookEndpoint.EVENTS]


class NewWebhook(StrictSerializer):
    """Whom to tell, and what."""

    url = StrictCharField(max_length=WebhookEndpoint.MAX_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=_EVENTS),
        required=False,
        allow_empty=False,
        max_length=100,
        help_text="All of them, where none is named.",
    )
    description = StrictCharField(required=False, allow_blank=True, max_length=200)


class WebhookChange(StrictSerializer):
    """What of it can be changed."""

    url = StrictCharField(required=False, max_length=WebhookEndpoint.MAX_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=_EVENTS), required=False, allow_empty=False, max_length=100
    )
    description = StrictCharField(required=False, allow_blank=True, max_length=200)
    enabled = Flag(required=False)


class WebhookSerializer(Shape):
    """An address that is told."""

    id = serializers.UUIDField()
    endpoint = serializers.CharField(source="url", help_text="Where it is told.")
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=_EVENTS))
    enabled = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(help_text="Empty while it is on.")
    failing_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    url = Address("webhook")
    deliveries_url = Address("webhook-deliveries")


class WebhookSecretSerializer(WebhookSerializer):
    """A webhook with its signing secret, which nobody is told again."""

    secret = serializers.CharField()


class AttemptSerializer(Shape):
    """One attempt."""

    at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="What the other side answered.")
    error_code = serializers.CharField()
    error_sentence = serializers.CharField()


class DeliverySerializer(Shape):
    """A message on its way."""

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
        """`webhook-id`: the same at every attempt."""
        return delivery.message.name

    @extend_schema_field(serializers.ChoiceField(choices=WebhookEvent.choices))
    def get_event(self, delivery: WebhookDelivery) -> Any:
        """What happened."""
        return delivery.message.event
