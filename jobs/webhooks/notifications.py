"""Records events as webhook messages, in the transaction that causes them.

Bodies are small: ids, the state, and the URL of the details. A user without webhooks costs one query.
Ephemeral
jobs send no messages: the caller has the result already, and a message would keep data about the job.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts import locks
from common.after_commit import after_commit
from jobs.models import Job, Picture, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookMessage
from jobs.webhooks import deliveries

_ENDS = {
    Picture.State.DONE: WebhookEvent.PICTURE_DONE,
    Picture.State.FAILED: WebhookEvent.PICTURE_FAILED,
}
_JOB_ENDS = {
    Job.State.FINISHED: WebhookEvent.JOB_FINISHED,
    Job.State.CANCELLED: WebhookEvent.JOB_CANCELLED,
}


def pictures_ended(pictures: Collection[UUID]) -> None:
    """Records that pictures are done or failed, from their rows. Runs in the transaction that ended them."""
    if not pictures:
        return
    told = Picture.objects.filter(pk__in=pictures, job__ephemeral=False)
    users = told.values("user")
    if not (listening := _listening(users, *_ENDS.values())):
        return
    rows = told.filter(state__in=list(_ENDS)).order_by("position")
    _write(listening, [(row.user_id, _ENDS[Picture.State(row.state)], _of_picture(row)) for row in rows])


def job_ended(job: UUID) -> None:
    """Records that a job finished or was cancelled, from its row. Runs in the transaction that ended it."""
    users = Job.objects.filter(pk=job, ephemeral=False).values("user")
    if not (listening := _listening(users, *_JOB_ENDS.values())):
        return
    row = Job.objects.get(pk=job)
    _write(listening, [(row.user_id, _JOB_ENDS[Job.State(row.state)], _of_job(row))])


def test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Sends a test message to one endpoint, whatever events it subscribes to.

    Raises WebhookRefusedError `webhook_disabled`.
    """
    data = {"webhook": str(endpoint.pk), "url": _address(f"webhooks/{endpoint.pk}")}
    with transaction.atomic():
        deliveries.hold_enabled(endpoint)
        message = _message(endpoint.user_id, WebhookEvent.TEST, data)
        message.save(force_insert=True)
        delivery = WebhookDelivery.objects.create(message=message, endpoint=endpoint)
        after_commit(deliveries.top_up, endpoint.pk)
    return delivery


def _listening(users: QuerySet[Any, Any], *events: str) -> list[WebhookEndpoint]:
    """Returns these users' endpoints that subscribe to one of the events. Locks nothing."""
    rows = WebhookEndpoint.objects.filter(user__in=users, enabled=True, user__is_active=True)
    return [endpoint for endpoint in rows if not set(events).isdisjoint(endpoint.events)]


def _write(listening: list[WebhookEndpoint], happened: list[tuple[int, str, dict[str, Any]]]) -> None:
    with transaction.atomic(savepoint=False):
        # The lock prevents their deletion before this transaction has written the messages.
        there = set(locks.hold(WebhookEndpoint.objects.filter(pk__in=[one.pk for one in listening])))
        listening = [one for one in listening if one.pk in there]
        messages, out = [], []
        for user, event, data in happened:
            wanting = [one for one in listening if one.user_id == user and event in one.events]
            if wanting:
                messages.append(message := _message(user, event, data))
                out += [WebhookDelivery(message=message, endpoint=endpoint) for endpoint in wanting]
        WebhookMessage.objects.bulk_create(messages, batch_size=500)
        WebhookDelivery.objects.bulk_create(out, batch_size=500)
        for endpoint in {delivery.endpoint_id for delivery in out}:
            after_commit(deliveries.top_up, endpoint)


def _message(user: int, event: str, data: Mapping[str, Any]) -> WebhookMessage:
    now = timezone.now()
    body = {"type": event, "timestamp": _moment(now), "data": data}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return WebhookMessage(user_id=user, event=event, body=text, created_at=now)


def _of_picture(picture: Picture) -> dict[str, Any]:
    failed = {"code": picture.error_code, "sentence": picture.error_sentence}
    return {
        "picture": str(picture.pk),
        "job": str(picture.job_id),
        "name": picture.name,
        "state": picture.state,
        **({"error": failed} if picture.state == Picture.State.FAILED else {}),
        "url": _address(f"pictures/{picture.pk}"),
    }


def _of_job(job: Job) -> dict[str, Any]:
    counted = Picture.objects.filter(job=job).exclude(state=Picture.State.DONE).order_by()
    others = dict(counted.values_list("state").annotate(Count("pk")))
    ended = {state.value: others.get(state, 0) for state in (Picture.State.FAILED, Picture.State.CANCELLED)}
    return {
        "job": str(job.pk),
        "title": job.title,
        "state": job.state,
        "pictures": {
            "total": job.picture_count,
            "done": job.picture_count - sum(others.values()),
            **ended,
        },
        "url": _address(f"jobs/{job.pk}"),
    }


def _address(path: str) -> str:
    return f"{settings.SITE_URL}{settings.PATH_PREFIX}/api/v1/{path}/"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
