"""The webhook actor. It has a module of its own because a process consumes the queue of each actor that it
imports.
"""

from __future__ import annotations

from uuid import UUID

import dramatiq
from django.conf import settings

from jobs.webhooks import deliveries

TIME_LIMIT_MS = (settings.WEBHOOK_SECONDS + 120) * 1000


@dramatiq.actor(queue_name=deliveries.QUEUE, actor_name=deliveries.ACTOR, time_limit=TIME_LIMIT_MS)
def deliver_webhook(delivery_id: str) -> None:
    """Makes the due attempt of a delivery."""
    deliveries.deliver(UUID(delivery_id))
