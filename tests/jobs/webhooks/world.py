"""Events for the webhook tests."""

from __future__ import annotations

from datetime import UTC, datetime

from accounts.models import User
from jobs.models import WebhookAttempt, WebhookDelivery
from jobs.webhooks import deliveries, notifications
from tests.jobs.factories import bare_job

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
DAY = 86_400.0


def happen(user: User) -> WebhookDelivery:
    """Finishes a job. Returns the delivery to the newest endpoint."""
    job = bare_job(user, state="finished", finished_at=NOON)
    notifications.job_ended(job.pk)
    return WebhookDelivery.objects.order_by("id").last()  # type: ignore[return-value]


def tick() -> None:
    """Runs the scheduler's periodic webhook work."""
    deliveries.recover_lost()
    deliveries.top_up_everyone()


def told(delivery: WebhookDelivery) -> list[tuple[int | None, str]]:
    """Returns the attempts in the log."""
    return list(WebhookAttempt.objects.filter(delivery=delivery).values_list("status", "error_code"))
