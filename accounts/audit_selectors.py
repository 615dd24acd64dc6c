"""Reading the audit log for the account that it concerns."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import AuditEntry, User


def entries_of(user: User, *, before: int | None = None) -> QuerySet[AuditEntry]:
    """The entries that concern an account, the newest first. before: only entries with a smaller id.

    Selects the client address along. The caller bounds the number of rows.
    """
    rows = AuditEntry.objects.filter(subject=user.pk).select_related("origin").order_by("-id")
    return rows if before is None else rows.filter(pk__lt=before)
