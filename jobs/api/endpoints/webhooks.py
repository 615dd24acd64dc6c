"""Webhooks: endpoints, their secrets, their delivery logs, and replays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.base import ApiView
from jobs.api.pagination import PARAMETERS, keyset, page_response
from jobs.api.serializers.common import page_schema
from jobs.api.serializers.webhooks import (
    DeliverySerializer,
    NewWebhook,
    WebhookChange,
    WebhookSecretSerializer,
    WebhookSerializer,
)
from jobs.errors import WebhookRefusedError, WrongStateError
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import deliveries, notifications, selectors, services

# A secret appears in one response only; no cache may keep it.
SECRET = {"Cache-Control": "no-store"}


@contextmanager
def _conflict_if_disabled() -> Iterator[None]:
    """Turns the error of a disabled webhook into a 409: the request is valid, but not in this state."""
    try:
        yield
    except WebhookRefusedError as error:
        raise WrongStateError(error.code, error.sentence) from error


class WebhookApiView(ApiView):
    """Base class of the webhook views, which have a scope of their own."""

    tag = "webhooks"
    required_scope: ClassVar[dict[str, str]] = dict.fromkeys(
        ("GET", "POST", "PUT", "PATCH", "DELETE"), "webhooks"
    )

    def endpoint(self, webhook: UUID) -> WebhookEndpoint:
        """The user's own endpoint. Raises Http404 for any other."""
        try:
            return selectors.endpoint_of(self.user, webhook)
        except WebhookEndpoint.DoesNotExist as error:
            raise Http404 from error

    def with_secret(self, endpoint: WebhookEndpoint, secret: str) -> dict[str, Any]:
        """An endpoint with its secret."""
        return {**self.serialize(WebhookSerializer, endpoint), "secret": secret}


class WebhooksView(WebhookApiView):
    """Webhooks."""

    @extend_schema(
        operation_id="webhooks",
        summary="Your webhooks",
        parameters=PARAMETERS,
        responses=page_schema(WebhookSerializer),
    )
    def get(self, request: Request) -> Response:
        """All webhooks, newest first."""
        page = keyset(WebhookEndpoint.objects.for_user(self.user), request)
        return Response(
            page_response(request, page, self.serialize(WebhookSerializer, page.items, many=True))
        )

    @extend_schema(
        operation_id="webhook_create",
        summary="Create a webhook",
        request=NewWebhook,
        responses={201: WebhookSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """The response holds the signing `secret`, which is never shown again. Messages are signed as
        Standard Webhooks specifies.
        """
        endpoint, secret = services.create(self.user, **self.read(NewWebhook))
        headers = {**SECRET, "Location": self.url("webhook", endpoint.pk)}
        return Response(self.with_secret(endpoint, secret), status=201, headers=headers)


class WebhookView(WebhookApiView):
    """One webhook."""

    @extend_schema(operation_id="webhook", summary="A webhook", responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """The webhook's URL and events, and whether deliveries succeed."""
        return Response(self.serialize(WebhookSerializer, self.endpoint(webhook_id)))

    @extend_schema(
        operation_id="webhook_change",
        summary="Change a webhook",
        request=WebhookChange,
        responses={200: WebhookSerializer},
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change the URL or the events, or turn the webhook off or on."""
        endpoint = self.endpoint(webhook_id)
        given = self.read(WebhookChange)
        enabled = given.pop("enabled", None)
        services.update(endpoint, **given)
        if enabled is True and not endpoint.enabled:
            services.enable(endpoint)
        elif enabled is False:
            services.disable(endpoint)
        return Response(self.serialize(WebhookSerializer, self.endpoint(webhook_id)))

    @extend_schema(
        operation_id="webhook_delete",
        summary="Delete a webhook",
        responses={204: OpenApiResponse(description="Deleted with its log.")},
    )
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Stop all deliveries and delete the log."""
        services.delete(self.endpoint(webhook_id))
        return Response(status=204)


class WebhookRotateView(WebhookApiView):
    """Rotate a webhook's secret."""

    @extend_schema(
        operation_id="webhook_rotate",
        summary="Rotate a webhook's secret",
        request=None,
        responses={200: WebhookSecretSerializer},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """For 24 hours, messages are signed with both the old and the new secret."""
        endpoint = self.endpoint(webhook_id)
        return Response(self.with_secret(endpoint, services.rotate(endpoint)), headers=SECRET)


class WebhookTestView(WebhookApiView):
    """Send a test message."""

    @extend_schema(
        operation_id="webhook_test",
        summary="Send a test message",
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a `webhook.test` message to this webhook only."""
        endpoint = self.endpoint(webhook_id)
        with _conflict_if_disabled():
            delivery = notifications.test(endpoint)
        return Response(self.serialize(DeliverySerializer, delivery), status=202)


class DeliveriesView(WebhookApiView):
    """The delivery log."""

    @extend_schema(
        operation_id="webhook_deliveries",
        summary="The delivery log of a webhook",
        parameters=PARAMETERS,
        responses=page_schema(DeliverySerializer),
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """All messages with their attempts, newest first."""
        page = keyset(selectors.log_of(self.endpoint(webhook_id)), request)
        return Response(
            page_response(request, page, self.serialize(DeliverySerializer, page.items, many=True))
        )


class DeliveryReplayView(WebhookApiView):
    """Replay a delivery."""

    @extend_schema(
        operation_id="webhook_replay",
        summary="Replay a delivery",
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Send the message again under the same id, with a full set of retries."""
        try:
            delivery = selectors.delivery_of(self.user, delivery_id)
        except WebhookDelivery.DoesNotExist as error:
            raise Http404 from error
        with _conflict_if_disabled():
            deliveries.replay(delivery)
        return Response(self.serialize(DeliverySerializer, delivery), status=202)
