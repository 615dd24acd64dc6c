"""The courier's actors: webhooks, and the exports and erasures of accounts.

They have a module of their own because a process consumes the queue of each actor that it imports.
"""

from __future__ import annotations

from uuid import UUID

import dramatiq
from django.conf import settings

from jobs.queue import background
from jobs.services import erasure, exports
from jobs.webhooks import deliveries

# An export or erasure renews its lease while it works, and a large one may take hours.
A_DAY_MS = 24 * 3600 * 1000
TIME_LIMIT_MS = (settings.WEBHOOK_SECONDS + 120) * 1000


@dramatiq.actor(queue_name=deliveries.QUEUE, actor_name=deliveries.ACTOR, time_limit=TIME_LIMIT_MS)
def deliver_webhook(delivery_id: str) -> None:
    """Makes the due attempt of a delivery."""
    deliveries.deliver(UUID(delivery_id))


@dramatiq.actor(queue_name=background.QUEUE, actor_name=exports.ACTOR, time_limit=A_DAY_MS)
def make_export(export_id: str) -> None:
    """Makes an export of an account."""
    exports.make(UUID(export_id))


@dramatiq.actor(queue_name=background.QUEUE, actor_name=erasure.ACTOR, time_limit=A_DAY_MS)
def erase_account(erasure_id: str) -> None:
    """Does what is due of the erasure of an account."""
    erasure.work(int(erasure_id))
