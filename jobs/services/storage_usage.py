"""What the files of a user take: sources, backdrops, mattes, renditions, improvements, as their rows say.

The small previews and thumbnails are ours and not counted. The counter changes in the transaction that writes
or deletes a row with a size, as its last step: so it is the sum of the rows at any moment.
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
    """Bytes by user that mattes and renditions of these pictures take. Lock the pictures first."""
    return _of(Matte.objects.filter(picture__in=pictures), "picture__user") + _of(
        Rendition.objects.filter(picture__in=pictures), "picture__user"
    )


def of_mattes(mattes: QuerySet[Matte]) -> Counter[int]:
    """Bytes by user that mattes take with the renditions that were made of them."""
    return _of(mattes, "picture__user") + _of(Rendition.objects.filter(matte__in=mattes), "picture__user")


def of_uploads(uploads: QuerySet[Upload]) -> Counter[int]:
    """Bytes by user that uploads take. Lock them first."""
    return _of(uploads.filter(COUNTED), "user")


def of_improvements(improvements: QuerySet[Improvement]) -> Counter[int]:
    """Bytes by user that improvements take. Lock them first."""
    return _of(improvements, "user")


def grow(user: int, *rows: Matte | Rendition) -> None:
    """Count rows that were just written."""
    quota.grow_storage(user, sum(row.size for row in rows))


def free(bytes_by_user: Counter[int]) -> None:
    """Count off what is gone with the rows deleted in this transaction."""
    for user, size in sorted(bytes_by_user.items()):
        quota.free_storage(user, size)


def recount(users: Iterable[User]) -> dict[int, tuple[int, int]]:
    """Set the counters to what the rows say; by user, where they differed: what was counted and what is."""
    wrong = {}
    for user in users:
        with transaction.atomic():
            Storage.objects.bulk_create([Storage(user=user)], ignore_conflicts=True)
            # Who writes or deletes a row at this moment waits here with its own change of the counter.
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
