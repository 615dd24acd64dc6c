"""Improvements: pictures that users send in because the cut-out was poor, kept for a limited time."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from accounts import locks
from accounts.models import Plan, User
from accounts.selectors import users_of
from accounts.services import quota
from jobs import clock, names, storage
from jobs.models import Improvement
from jobs.services import discards, refused_pictures, storage_usage
from jobs.services.synchronous import Source

# The upper limit. A plan with a shorter retention also limits these.
DAYS: Final = 90
AT_ONCE: Final = 500


def keep(user: User, source: Source, tag: str = "") -> Improvement:
    """Stores a picture for staff to review. It counts towards the user's storage until it is swept.

    Raises QuotaExceededError if the user's storage is full, UploadRefusedError if staff refuse the picture;
    stores nothing then.
    """
    refused_pictures.check_digest(hashlib.sha256(source.data).hexdigest())
    made = Improvement(
        user=user,
        name=names.clean(source.name),
        tag=names.one_line(tag)[:255],
        size=len(source.data),
        format=source.info.format,
        width=source.info.width,
        height=source.info.height,
    )
    quota.check_storage(user, made.size)
    storage.check_room(made.size)
    # Write the file before the row, so that a row never names a missing file.
    storage.write(made.key, source.data)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            quota.add_storage(user, made.size)
    except BaseException:
        storage.delete([made.key])
        raise
    return made


def sweep() -> int:
    """Deletes improvements older than DAYS or their plan's retention, with their files. Returns how many."""
    now = clock.now()
    over = Q(created_at__lt=now - timedelta(days=DAYS))
    for plan in Plan.objects.filter(keep_days__lt=DAYS):
        over |= Q(user__in=users_of(plan), created_at__lt=now - timedelta(days=plan.keep_days or 0))
    with transaction.atomic():
        doomed = Improvement.objects.filter(over).order_by("pk")[:AT_ONCE]
        rows = locks.fetch_held(doomed, to_delete=True, skip_locked=True)
        gone = Improvement.objects.filter(pk__in=[row.pk for row in rows])
        discards.discard(row.key for row in rows)
        freed = storage_usage.of_improvements(gone)
        gone.delete()
        storage_usage.free(freed)
    return len(rows)
