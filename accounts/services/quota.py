"""Quotas: charge, refund, and count storage. Limits are exact because each is part of the UPDATE itself.

Call these in the transaction that writes the charged rows, so that both commit or roll back together. The
counters stay locked from their UPDATE to the end of the transaction, so call them late.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import locks, months
from accounts.errors import QuotaExceededError
from accounts.in_flight import in_flight_of
from accounts.models import ApiToken, Entry, Storage, Usage, User
from accounts.reserved import reserved_of
from accounts.selectors import Allowed, allowed


def charge(
    user: User,
    *,
    pictures: int,
    pixels: int,
    job: UUID,
    token: ApiToken | None = None,
    reason: str = "submitted",
    most: Allowed | None = None,
) -> datetime | None:
    """Count pictures and pixels against this month and write the ledger. Returns the time, needed for a
    refund.

    Returns None and writes no entry for neither pictures nor pixels. most: the user's limits, if already
    read. Raises QuotaExceededError where a limit would be exceeded; nothing is written then.
    """
    if pictures <= 0 and pixels <= 0:
        return None
    now = timezone.now()
    month = months.month_of(now)
    most = most or allowed(user)
    room = Q()
    if most.pictures is not None and pictures > 0:
        room &= Q(pictures__lte=most.pictures - pictures)
    if most.pixels is not None:
        room &= Q(pixels__lte=most.pixels - pixels)
    row = Usage.objects.filter(user=user, month=month)
    more = {"pictures": F("pictures") + pictures, "pixels": F("pixels") + pixels}
    if not row.filter(room).update(**more):
        # The quota is used up, or this is the month's first charge.
        Usage.objects.bulk_create([Usage(user=user, month=month)], ignore_conflicts=True)
        if not row.filter(room).update(**more):
            used = row.values_list("pictures", "pixels").get()
            raise _monthly_quota_error(most.pictures, most.pixels, used, pictures, months.end_of(month))
    _write(Entry.Kind.CHARGE, user.pk, month, pictures, pixels, job, token, reason)
    return now


def check_month(user: User, *, pictures: int, pixels: int, most: Allowed) -> None:
    """Raise QuotaExceededError where `charge` would; counts nothing."""
    month = months.month_of(timezone.now())
    used = Usage.objects.filter(user=user, month=month).values_list("pictures", "pixels").first() or (0, 0)
    too_many = most.pictures is not None and pictures > 0 and used[0] + pictures > most.pictures
    if too_many or (most.pixels is not None and used[1] + pixels > most.pixels):
        raise _monthly_quota_error(most.pictures, most.pixels, used, pictures, months.end_of(month))


def refund(user: int, *, pictures: int, pixels: int, job: UUID, reason: str, charged_at: datetime) -> None:
    """Refund a charge in its month. The caller makes sure that it has not been refunded yet."""
    if pictures <= 0 and pixels <= 0:
        return
    month = months.month_of(charged_at)
    Usage.objects.filter(user=user, month=month).update(
        # A wrong counter must not stop a worker from finishing a picture.
        pictures=Greatest(F("pictures") - pictures, 0),
        pixels=Greatest(F("pixels") - pixels, 0),
    )
    _write(Entry.Kind.REFUND, user, month, pictures, pixels, job, None, reason)


def check_in_flight(user: User, adding: int, *, most: Allowed | None = None) -> None:
    """Reserve `adding` more pictures in flight until the end of this transaction.

    Call it before their rows are written. Raises QuotaExceededError where there would be too many.
    """
    limit = (most or allowed(user)).in_flight
    if limit is None or adding <= 0:
        return
    # The user's row is the lock: of two concurrent calls the second counts the first one's pictures.
    locks.hold_user(user.pk)
    used = in_flight_of(user.pk)
    if used + adding > limit:
        raise QuotaExceededError(
            "too_many_in_flight",
            f"{used} of your pictures are waiting or running; the limit is {limit}. "
            "Wait until some are done, or submit fewer.",
            limit=limit,
            used=used,
        )


def add_storage(user: User, size: int) -> None:
    """Count bytes that a user uploads. Requires a transaction.

    Raises QuotaExceededError where they do not fit beside the space reserved for pending results.
    """
    limit = allowed(user).storage
    if limit is not None:
        _check_held(user, limit, size)
    grow_storage(user.pk, size)


def check_storage(user: User, size: int) -> None:
    """Raise early where bytes would not fit, as far as can be known before the upload."""
    limit = allowed(user).storage
    if limit is None:
        return
    used = Storage.objects.filter(user=user).values_list("bytes", flat=True).first() or 0
    waiting = reserved_of(user.pk)
    if used + waiting + size > limit:
        raise storage_full(limit, used, waiting)


def check_reserved(user: User, *, most: Allowed | None = None) -> None:
    """Make sure that the reserved space for this transaction's pending results exists.

    Call it after the rows that reserve it are written. Raises QuotaExceededError where there is not enough.
    """
    limit = (most or allowed(user)).storage
    if limit is not None:
        _check_held(user, limit, 0)


def settle_storage(user: User, size: int, reserved: int) -> None:
    """Count the bytes of a result, of which `reserved` were set aside.

    Call it after the row that reserved them is gone. Raises QuotaExceededError where they exceed the
    reservation and do not fit.
    """
    if size <= reserved:
        grow_storage(user.pk, size)
    else:
        add_storage(user, size)


def _check_held(user: User, limit: int, adding: int) -> None:
    # The counter's row is the lock: reserved bytes become stored ones under it, and no other transaction
    # reserves or uploads until this one ends.
    Storage.objects.bulk_create([Storage(user=user)], ignore_conflicts=True)
    used = locks.fetch_held(Storage.objects.filter(user=user))[0].bytes
    waiting = reserved_of(user.pk)
    if used + waiting + adding > limit:
        raise storage_full(limit, used, waiting)


def grow_storage(user: int, size: int) -> None:
    """Count bytes of a result without a limit, so that a result is not lost for being the last to fit."""
    more = Greatest(F("bytes") + size, 0)
    if size and not Storage.objects.filter(user=user).update(bytes=more):
        Storage.objects.bulk_create([Storage(user_id=user)], ignore_conflicts=True)
        Storage.objects.filter(user=user).update(bytes=more)


def free_storage(user: int, size: int) -> None:
    """Subtract deleted bytes. Call it in the transaction that deletes their rows."""
    grow_storage(user, -size)


def storage_full(limit: int, used: int, waiting: int = 0) -> QuotaExceededError:
    """Returns the error for full storage. waiting: bytes reserved for pending results."""
    beside = f", and about {_mb(waiting)} are reserved for pending results" if waiting else ""
    return QuotaExceededError(
        "storage_full",
        f"Your files use {_mb(used)} of your limit of {_mb(limit)}{beside}. "
        "Delete jobs that you no longer need.",
        limit=limit,
        used=used,
    )


def _monthly_quota_error(
    pictures: int | None, pixels: int | None, used: tuple[int, int], adding: int, resets_at: datetime
) -> QuotaExceededError:
    when = f"{resets_at:%d %B}".lstrip("0")
    if pictures is not None and adding > 0 and used[0] + adding > pictures:
        left = max(0, pictures - used[0])
        return QuotaExceededError(
            "pictures_used_up",
            f"You may submit {pictures} pictures a month, and {left} are left. "
            f"Submit fewer, or wait until {when}.",
            limit=pictures,
            used=used[0],
            resets_at=resets_at,
        )
    limit = pixels or 0
    return QuotaExceededError(
        "megapixels_used_up",
        f"You may submit {limit // 1_000_000} megapixels a month, and {max(0, limit - used[1]) / 1e6:.1f} "
        f"are left. Submit fewer or smaller pictures, ask for smaller results, or wait until {when}.",
        limit=limit,
        used=used[1],
        resets_at=resets_at,
    )


def _write(
    kind: str,
    user: int,
    month: date,
    pictures: int,
    pixels: int,
    job: UUID,
    token: ApiToken | None,
    reason: str,
) -> None:
    Entry.objects.create(
        user_id=user,
        kind=kind,
        month=month,
        pictures=pictures,
        pixels=pixels,
        job=job,
        token=token,
        reason=reason,
    )


def _mb(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
