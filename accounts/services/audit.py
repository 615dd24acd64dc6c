"""Writing the audit log. Services call `record` in the transaction of the change that it describes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from allauth.core import context as current
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Model, Q
from django.db.transaction import TransactionManagementError
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken, AuditAction, AuditEntry, AuditOrigin, AuditRetention, User
from common.addresses import client_address

SWEEP: Final = 1_000


def record(
    action: AuditAction,
    *,
    subject: User | int | None,
    on: Model | None = None,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
    actor: User | None = None,
) -> AuditEntry:
    """Adds one entry to the audit log.

    subject: the account that the event concerns. on: the row that was acted on. facts: small JSON values;
    never a secret, an e-mail address or a file name. actor: the account that acted; by default the one of
    the current request. The client address and the API token are those of the request. Raises
    TransactionManagementError outside of a transaction.
    """
    concerned = subject.pk if isinstance(subject, User) else subject
    target = (on._meta.label, str(on.pk)) if on is not None else ("", "")
    row = (concerned, *target, dict(facts or {}))
    return record_many(action, [row], reason=reason, actor=actor)[0]


def record_many(
    action: AuditAction,
    rows: Iterable[tuple[int | None, str, str, Mapping[str, Any]]],
    *,
    reason: str = "",
    actor: User | None = None,
) -> list[AuditEntry]:
    """As `record`, for several (subject, kind, target, facts), in two statements."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit entry belongs to the transaction of what it describes.")
    request = current.request
    acting = actor or _user_of(request)
    token = getattr(request, "auth", None)
    entries = AuditEntry.objects.bulk_create(
        AuditEntry(
            action=action,
            actor=acting.pk if acting else None,
            by_staff=bool(acting and acting.is_staff and acting.pk != subject),
            subject=subject,
            token=token.pk if isinstance(token, ApiToken) else None,
            kind=kind,
            target=target,
            reason=reason[:500],
            facts=dict(facts),
        )
        for subject, kind, target, facts in rows
    )
    if request is not None and (address := client_address(request)):
        AuditOrigin.objects.bulk_create(AuditOrigin(entry=entry, address=address) for entry in entries)
    return entries


def record_alone(action: AuditAction, **facts: Any) -> AuditEntry:
    """As `record`, in a transaction of its own: for events that change no row."""
    with transaction.atomic():
        return record(action, **facts)


def forget_origins(user: User | int) -> int:
    """Deletes client addresses of the events of an account and of what it did, up to SWEEP of them.

    Returns how many. Call it again until it returns 0.
    """
    number = user.pk if isinstance(user, User) else user
    rows = AuditOrigin.objects.filter(Q(entry__subject=number) | Q(entry__actor=number))
    chosen = list(rows.values_list("pk", flat=True)[:SWEEP])
    count, _ = AuditOrigin.objects.filter(pk__in=chosen).delete()
    return count


def sweep() -> int:
    """Deletes up to SWEEP entries that are older than AUDIT_DAYS. Returns how many."""
    before = timezone.now() - timedelta(days=settings.AUDIT_DAYS)
    with transaction.atomic():
        AuditRetention.objects.update_or_create(pk=1, defaults={"before": before})
        old = list(
            AuditEntry.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:SWEEP]
        )
        AuditOrigin.objects.filter(entry__in=old).delete()
        # Not delete(), which refuses. The trigger lets exactly these rows go.
        AuditEntry.objects.filter(pk__in=old)._raw_delete(AuditEntry.objects.db)
    return len(old)


def _user_of(request: HttpRequest | None) -> User | None:
    user: User | AnonymousUser | None = getattr(request, "user", None)
    return user if isinstance(user, User) and user.is_authenticated else None
