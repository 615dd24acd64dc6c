"""Charges for pictures: one when a picture is submitted, refunded if it produces no result.

While a charge stands, the picture has a `charged_at`. The code that clears it under the row lock also makes
the refund, so there is exactly one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts import locks, months
from accounts.models import ApiToken, User
from accounts.selectors import Allowed
from accounts.services import quota
from jobs.models import Picture, RenditionRequest

_FACTS = ("user", "job", "width", "height", "charged_pixels", "charged_at")


@dataclass(frozen=True)
class Charged:
    """A picture or rendition request with a standing charge."""

    pk: UUID
    user: int
    job: UUID
    pixels: int
    at: datetime


def charge(
    user: User,
    job: UUID,
    pictures: Sequence[Picture],
    *,
    token: ApiToken | None,
    most: Allowed,
    reason: str = "submitted",
) -> datetime | None:
    """Charges pictures before they are queued. Sets and returns their `charged_at`; the caller saves them.

    Raises QuotaExceededError if they exceed the month's limit or the limit on pictures in flight; writes
    nothing then.
    """
    at = quota.charge(
        user,
        pictures=len(pictures),
        pixels=sum(map(_pixels, pictures)),
        job=job,
        token=token,
        reason=reason,
        most=most,
    )
    for picture in pictures:
        picture.charged_at = at
    return at


def check_room(user: User, pictures: Sequence[Picture], most: Allowed) -> None:
    """Raises QuotaExceededError if these pictures would exceed the month's limit. Charges nothing."""
    quota.check_month(user, pictures=len(pictures), pixels=sum(map(_pixels, pictures)), most=most)


def standing(pictures: QuerySet[Picture]) -> list[Charged]:
    """Locks and returns those of these pictures that have a standing charge."""
    rows = locks.fetch_held(pictures.filter(charged_at__isnull=False).only(*_FACTS))
    return [
        Charged(picture.pk, picture.user_id, picture.job_id, _pixels(picture), picture.charged_at)
        for picture in rows
        if picture.charged_at is not None
    ]


def withdraw(pictures: QuerySet[Picture]) -> list[Charged]:
    """Like `standing`, and clears `charged_at`. Call `refund` in the same transaction."""
    charges = standing(pictures)
    if charges:
        Picture.objects.filter(pk__in=[one.pk for one in charges]).update(charged_at=None)
    return charges


def refund(charges: Iterable[Charged], reason: str) -> None:
    """Refunds charges, with one ledger entry per job. The caller clears `charged_at` first."""
    _refund(charges, reason, of_pictures=True)


def _refund(charges: Iterable[Charged], reason: str, *, of_pictures: bool) -> None:
    together: dict[tuple[int, UUID, object], list[Charged]] = defaultdict(list)
    for one in charges:
        together[one.user, one.job, months.month_of(one.at)].append(one)
    for (user, job, _), group in sorted(together.items(), key=lambda item: (item[0][0], item[0][1])):
        quota.refund(
            user,
            pictures=len(group) if of_pictures else 0,
            pixels=sum(one.pixels for one in group),
            job=job,
            reason=reason,
            charged_at=group[0].at,
        )


def charge_rendition(rendition_request: RenditionRequest, job: UUID, pixels: int) -> None:
    """Charges the pixels of a rendition beyond its picture's source. The caller saves the request.

    Raises QuotaExceededError if they exceed the month's limit; writes nothing then.
    """
    rendition_request.charged_pixels = pixels
    rendition_request.charged_at = quota.charge(
        rendition_request.user, pictures=0, pixels=pixels, job=job, reason="larger rendition"
    )


def take_back(rendition_requests: QuerySet[RenditionRequest], reason: str) -> None:
    """Refunds the charges of rendition requests that produce no result.

    Call it before they are deleted, in the transaction that ends them.
    """
    rows = locks.fetch_held(rendition_requests.filter(charged_at__isnull=False).select_related("picture"))
    charges = [
        Charged(
            rendition_request.pk,
            rendition_request.user_id,
            rendition_request.picture.job_id,
            rendition_request.charged_pixels,
            rendition_request.charged_at,
        )
        for rendition_request in rows
        if rendition_request.charged_at is not None
    ]
    if charges:
        RenditionRequest.objects.filter(pk__in=[one.pk for one in charges]).update(charged_at=None)
        _refund(charges, reason, of_pictures=False)


def _pixels(picture: Picture) -> int:
    if picture.charged_pixels is not None:
        return picture.charged_pixels
    return (picture.width or 0) * (picture.height or 0)
