"""Webhooks: endpoints, their secrets, what was sent there, and sending it again."""

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
from jobs.api.pages import PARAMETERS, keyset, paged
from jobs.api.serializers.common import page_of
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

# A secret is told once, and kept by nobody on the way.
SECRET = {"Cache-Control": "no-store"}


@contextmanager
def _switched_on() -> Iterator[None]:
    """Around what is refused while a webhook is switched off: right in another state, not in this one."""
    try:
        yield
    except WebhookRefusedError as error:
        raise WrongStateError(error.code, error.sentence) from error


class WebhookApiView(ApiView):
    """A view of webhooks: they have a scope of their own."""

    tag = "webhooks"
    required_scope: ClassVar[dict[str, str]] = dict.fromkeys(
        ("GET", "POST", "PUT", "PATCH", "DELETE"), "webhooks"
    )

    def endpoint(self, webhook: UUID) -> WebhookEndpoint:
        """The user's own endpoint; any other is a 404."""
        try:
            return selectors.endpoint_of(self.user, webhook)
        except WebhookEndpoint.DoesNotExist as error:
            raise Http404 from error

    def told(self, endpoint: WebhookEndpoint, secret: str) -> dict[str, Any]:
        """An endpoint with its secret."""
        return {**self.shown(WebhookSerializer, endpoint), "secret": secret}


class WebhooksView(WebhookApiView):
    """Webhooks."""

    @extend_schema(
        operation_id="webhooks",
        summary="Your webhooks",
        parameters=PARAMETERS,
        responses=page_of(WebhookSerializer),
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        page = keyset(WebhookEndpoint.objects.for_user(self.user), request)
        return Response(paged(request, page, self.shown(WebhookSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="webhook_create",
        summary="Make a webhook",
        request=NewWebhook,
        responses={201: WebhookSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """Its signing `secret` is in this answer and nowhere else. Messages are signed by the convention of
        Standard Webhooks."""
        endpoint, secret = services.create(self.user, **self.read(NewWebhook))
        headers = {**SECRET, "Location": self.url("webhook", endpoint.pk)}
        return Response(self.told(endpoint, secret), status=201, headers=headers)


class WebhookView(WebhookApiView):
    """One webhook."""

    @extend_schema(operation_id="webhook", summary="A webhook", responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Where it leads, what it is told, and whether it works."""
        return Response(self.shown(WebhookSerializer, self.endpoint(webhook_id)))

    @extend_schema(
        operation_id="webhook_change",
        summary="Change a webhook",
        request=WebhookChange,
        responses={200: WebhookSerializer},
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Another address, other events; switch it off, or on again."""
        endpoint = self.endpoint(webhook_id)
        given = self.read(WebhookChange)
        enabled = given.pop("enabled", None)
        services.update(endpoint, **given)
        if enabled is True and not endpoint.enabled:
            services.enable(endpoint)
        elif enabled is False:
            services.disable(endpoint)
        return Response(self.shown(WebhookSerializer, self.endpoint(webhook_id)))

    @extend_schema(
        operation_id="webhook_delete",
        summary="Delete a webhook",
        responses={204: OpenApiResponse(description="Gone with its log.")},
    )
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Nothing is sent there any more, and its log is gone."""
        services.delete(self.endpoint(webhook_id))
        return Response(status=204)


class WebhookRotateView(WebhookApiView):
    """Another secret."""

    @extend_schema(
        operation_id="webhook_rotate",
        summary="Give a webhook another secret",
        request=None,
        responses={200: WebhookSecretSerializer},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """For 24 hours messages are signed with both."""
        endpoint = self.endpoint(webhook_id)
        return Response(self.told(endpoint, services.rotate(endpoint)), headers=SECRET)


class WebhookTestView(WebhookApiView):
    """A test."""

    @extend_schema(
        operation_id="webhook_test",
        summary="Send a test",
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """A message of type `webhook.test` to this webhook alone."""
        endpoint = self.endpoint(webhook_id)
        with _switched_on():
            delivery = notifications.test(endpoint)
        return Response(self.shown(DeliverySerializer, delivery), status=202)


class DeliveriesView(WebhookApiView):
    """What was sent."""

    @extend_schema(
        operation_id="webhook_deliveries",
        summary="What was sent there",
        parameters=PARAMETERS,
        responses=page_of(DeliverySerializer),
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Each message with its attempts, the newest first."""
        page = keyset(selectors.log_of(self.endpoint(webhook_id)), request)
        return Response(paged(request, page, self.shown(DeliverySerializer, page.items, many=True)))


class DeliveryReplayView(WebhookApiView):
    """Once more."""

    @extend_schema(
        operation_id="webhook_replay",
        summary="Send it again",
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Under the id that it had, with all retries before it."""
        try:
            delivery = selectors.delivery_of(self.user, delivery_id)
        except WebhookDelivery.DoesNotExist as error:
            raise Http404 from error
        with _switched_on():
            deliveries.replay(delivery)
        return Response(self.shown(DeliverySerializer, delivery), status=202)
