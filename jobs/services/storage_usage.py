"""Storage usage per user: sources, backdrops, mattes, renditions and improvements.

Previews and thumbnails do not count. Each transaction that writes or deletes a row with a size updates the
counter as its last step, so the counter always equals the sum of the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from accounts import locks
from accounts.models import Storage, User
from accounts.services import quota
from jobs.models import Backdrop, Improvement, Matte, Picture, Rendition, Upload

COUNTED = Q(state__in=[Upload.State.UPLOADED, Upload.State.SUBMITTED])


def of_pictures(pictures: QuerySet[Picture]) -> Counter[int]:
    """Returns the bytes of these pictures' mattes and renditions, by user. Lock the pictures first."""
    return _of(Matte.objects.filter(picture__in=pictures), "picture__user") + _of(
        Rendition.objects.filter(picture__in=pictures), "picture__user"
    )


def of_mattes(mattes: QuerySet[Matte]) -> Counter[int]:
    """Returns the bytes of these mattes and their renditions, by user."""
    return _of(mattes, "picture__user") + _of(Rendition.objects.filter(matte__in=mattes), "picture__user")


def of_uploads(uploads: QuerySet[Upload]) -> Counter[int]:
    """Returns the bytes of these uploads, by user. Lock them first."""
    return _of(uploads.filter(COUNTED), "user")


def of_improvements(improvements: QuerySet[Improvement]) -> Counter[int]:
    """Returns the bytes of these improvements, by user. Lock them first."""
    return _of(improvements, "user")


def grow(user: int, *rows: Matte | Rendition) -> None:
    """Adds newly written rows to the user's counter."""
    quota.grow_storage(user, sum(row.size for row in rows))


def free(bytes_by_user: Counter[int]) -> None:
    """Subtracts the bytes of rows deleted in this transaction."""
    for user, size in sorted(bytes_by_user.items()):
        quota.free_storage(user, size)


def recount(users: Iterable[User]) -> dict[int, tuple[int, int]]:
    """Sets the counters to the sums of the rows.

    Returns the corrected ones, by user: the counter's value before and the sum.
    """
    wrong = {}
    for user in users:
        with transaction.atomic():
            Storage.objects.bulk_create([Storage(user=user)], ignore_conflicts=True)
            # A concurrent transaction that writes or deletes a row waits here to update the counter.
            row = locks.fetch_held(Storage.objects.filter(user=user))[0]
            found = of_pictures(Picture.objects.filter(user=user))
            found += of_uploads(Upload.objects.filter(user=user))
            found += _of(Backdrop.objects.filter(user=user), "user")
            found += of_improvements(Improvement.objects.filter(user=user))
            size = found[user.pk]
            if row.bytes != size:
                wrong[user.pk] = (row.bytes, size)
                Storage.objects.filter(user=user).update(bytes=size)
    return wrong


def _of(rows: QuerySet[Any], user: str) -> Counter[int]:
    sums = rows.order_by().values_list(user).annotate(total=Sum("size"))
    return Counter({owner: total or 0 for owner, total in sums})
