"""A user's webhook endpoints: create, update, disable and enable."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import locks
from accounts.models import User
from common import mail
from common.after_commit import after_commit
from jobs import fetching, names
from jobs.errors import GoneError, WebhookRefusedError
from jobs.fetching import FetchRefusedError
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import secrets

MOST: Final = 10
Off = WebhookEndpoint.Off


def create(
    user: User,
    url: str,
    *,
    events: Collection[str] = WebhookEndpoint.EVENTS,
    description: str = "",
) -> tuple[WebhookEndpoint, str]:
    """Creates an endpoint. Returns it with its signing secret, which is shown only once.

    Raises WebhookRefusedError: invalid_url, forbidden_address, invalid_events, too_many_webhooks.
    """
    facts = {
        "url": _url(url),
        "events": _events(events),
        "description": _description(description),
    }
    with transaction.atomic():
        # Serializes concurrent requests, so that both cannot create the tenth.
        locks.hold_user(user.pk)
        if WebhookEndpoint.objects.for_user(user).count() >= MOST:
            raise WebhookRefusedError(
                "too_many_webhooks", f"An account has at most {MOST} webhooks. Delete one first."
            )
        endpoint = WebhookEndpoint.objects.create(user=user, **facts)
        secret = secrets.renew(endpoint)
    return endpoint, secret


def update(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    events: Collection[str] | None = None,
    description: str | None = None,
) -> WebhookEndpoint:
    """Changes the given values of an endpoint and returns it. Raises the errors of `create`."""
    facts: dict[str, object] = {}
    if url is not None:
        facts["url"] = _url(url)
        if facts["url"] != endpoint.url:
            # The failures belong to the old URL.
            facts["failing_since"] = None
    if events is not None:
        facts["events"] = _events(events)
    if description is not None:
        facts["description"] = _description(description)
    if facts:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**facts)
        endpoint.refresh_from_db()
    return endpoint


def rotate(endpoint: WebhookEndpoint) -> str:
    """Returns a new signing secret, shown only once. The old secret still signs for 24 hours."""
    return secrets.renew(endpoint)


def delete(endpoint: WebhookEndpoint) -> None:
    """Deletes an endpoint with its log. Waiting deliveries are not sent."""
    with transaction.atomic():
        mine = WebhookEndpoint.objects.filter(pk=endpoint.pk)
        locks.hold(mine, to_delete=True)
        mine.delete()


def enable(endpoint: WebhookEndpoint) -> None:
    """Enables an endpoint from the next event on. Failed deliveries can be replayed.

    Raises WebhookRefusedError `unreadable_secret` if the secret cannot be derived: rotate it first.
    """
    with transaction.atomic():
        held = locks.fetch_held(WebhookEndpoint.objects.filter(pk=endpoint.pk))
        if not held:
            raise GoneError
        if not secrets.readable(held[0]):
            raise WebhookRefusedError(
                "unreadable_secret",
                "This webhook’s secret was lost. Create a new secret, then switch the webhook on.",
            )
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            enabled=True, disabled_at=None, disabled_reason="", failing_since=None
        )
    endpoint.refresh_from_db()


def disable(endpoint: WebhookEndpoint, reason: str = Off.OWNER) -> bool:
    """Disables an endpoint and fails its waiting deliveries. Mails the owner, unless the owner did it or the
    account is closed. Returns whether this call disabled it.
    """
    now = timezone.now()
    with transaction.atomic():
        done = WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True).update(
            enabled=False, disabled_at=now, disabled_reason=reason
        )
        if not done:
            return False
        WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.WAITING).update(
            state=WebhookDelivery.State.FAILED, next_at=None, sent_at=None, token=None, ended_at=now
        )
        if reason not in {Off.OWNER, Off.CLOSED}:
            after_commit(_tell_owner, endpoint, Off(reason))
    endpoint.refresh_from_db()
    return True


def disable_closed() -> int:
    """Disables the endpoints of closed accounts; the scheduler calls it. Returns their number.

    The admin closes accounts and does not touch their webhooks.
    """
    return sum(
        disable(endpoint, Off.CLOSED)
        for endpoint in WebhookEndpoint.objects.filter(enabled=True, user__is_active=False)
    )


def _tell_owner(endpoint: WebhookEndpoint, reason: WebhookEndpoint.Off) -> None:
    mail.send(
        "mail/webhook_off",
        endpoint.user.email,
        {
            "url": endpoint.url,
            "reason": reason.label,
            "page": mail.address("jobs:webhook", endpoint.pk),
        },
    )


def _url(url: str) -> str:
    url = url.strip()
    if len(url) > WebhookEndpoint.MAX_URL:
        raise WebhookRefusedError(
            "invalid_url",
            f"This address is longer than {WebhookEndpoint.MAX_URL} characters. Use a shorter one.",
            "url",
        )
    try:
        fetching.look_over(url)
    except FetchRefusedError as error:
        raise WebhookRefusedError(error.code, error.sentence, "url") from error
    return url


def _events(events: Collection[str]) -> list[str]:
    known = WebhookEndpoint.EVENTS
    unknown = sorted(set(events) - set(known))
    if unknown or not events:
        raise WebhookRefusedError(
            "invalid_events",
            f"There is no event {unknown[0]!r}. The events are {', '.join(known)}."
            if unknown
            else "Choose at least one event.",
            "events",
        )
    return [event for event in known if event in events]


def _description(text: str) -> str:
    line = names.one_line(text)
    most = 200
    if len(line) > most:
        raise WebhookRefusedError(
            "invalid_description", f"A description has at most {most} characters.", "description"
        )
    return line
