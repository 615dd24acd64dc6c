"""Reading about webhooks, for pages and programs."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from accounts.models import User
from jobs.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

LOG_PER_PAGE = 50


def endpoints_of(user: User) -> list[WebhookEndpoint]:
    """A user's endpoints, the oldest first, each with `waiting` and `given_up`: numbers of deliveries."""
    state = WebhookDelivery.State
    return list(
        WebhookEndpoint.objects.for_user(user).annotate(
            waiting=Count("deliveries", filter=Q(deliveries__state=state.WAITING)),
            given_up=Count("deliveries", filter=Q(deliveries__state=state.FAILED)),
        )
    )


def endpoint_of(user: User, endpoint: UUID) -> WebhookEndpoint:
    """One endpoint of this user's. Raises WebhookEndpoint.DoesNotExist for anybody else's."""
    found: WebhookEndpoint = WebhookEndpoint.objects.for_user(user).get(pk=endpoint)
    return found


def log_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Its deliveries, the newest first, each with its message and its attempts (`log`, oldest first)."""
    return (
        WebhookDelivery.objects.filter(endpoint=endpoint)
        .select_related("message", "endpoint")
        .prefetch_related(Prefetch("log", WebhookAttempt.objects.order_by("id")))
        .order_by("-id")
    )


def delivery_of(user: User, delivery: UUID) -> WebhookDelivery:
    """One delivery to an endpoint of this user's. Raises WebhookDelivery.DoesNotExist for anybody else's."""
    mine = WebhookDelivery.objects.select_related("message", "endpoint").prefetch_related("log")
    return mine.get(pk=delivery, endpoint__user=user)
