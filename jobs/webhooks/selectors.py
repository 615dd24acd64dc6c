"""Webhook queries for pages and the API."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from jobs.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

LOG_PER_PAGE = 50


def endpoints_of(user: User) -> list[WebhookEndpoint]:
    """Returns a user's endpoints, oldest first, with the numbers of deliveries `waiting` and `given_up`."""
    mine = WebhookEndpoint.objects.for_user(user)
    state = WebhookDelivery.State
    return list(mine.annotate(waiting=_count(state.WAITING), given_up=_count(state.FAILED)))


def _count(state: str) -> Coalesce:
    """Counts an endpoint's deliveries in one state. Only for states with few rows."""
    own = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=state).order_by()
    return Coalesce(Subquery(own.values("endpoint").annotate(n=Count("pk")).values("n")), 0)


def endpoint_of(user: User, endpoint: UUID) -> WebhookEndpoint:
    """Returns an endpoint of this user. Raises WebhookEndpoint.DoesNotExist for other users' endpoints."""
    found: WebhookEndpoint = WebhookEndpoint.objects.for_user(user).get(pk=endpoint)
    return found


def log_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Returns an endpoint's deliveries, newest first, each with its message and its attempts (`log`, oldest
    first).
    """
    return (
        WebhookDelivery.objects.filter(endpoint=endpoint)
        .select_related("message", "endpoint")
        .prefetch_related(Prefetch("log", WebhookAttempt.objects.order_by("id")))
        .order_by("-id")
    )


def delivery_of(user: User, delivery: UUID) -> WebhookDelivery:
    """Returns a delivery to an endpoint of this user. Raises WebhookDelivery.DoesNotExist otherwise."""
    mine = WebhookDelivery.objects.select_related("message", "endpoint").prefetch_related("log")
    return mine.get(pk=delivery, endpoint__user=user)
