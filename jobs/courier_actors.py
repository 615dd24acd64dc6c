"""The actor of webhooks, apart from those of pictures: who imports it takes their messages."""

from __future__ import annotations

from uuid import UUID

import dramatiq
from django.conf import settings

from jobs.webhooks import deliveries

TIME_LIMIT_MS = (settings.WEBHOOK_SECONDS + 120) * 1000


@dramatiq.actor(queue_name=deliveries.QUEUE, actor_name=deliveries.ACTOR, time_limit=TIME_LIMIT_MS)
def deliver_webhook(delivery_id: str) -> None:
    """Make the attempt that is due for a delivery."""
    deliveries.deliver(UUID(delivery_id))
