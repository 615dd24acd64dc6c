"""Charges of pictures: one when a picture is submitted, taken back where no result comes of it.

`charged_at` of the picture says that its charge stands. Whoever takes it away under the lock of the row makes
the refund, so that there is exactly one.
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
    """A picture, or a rendition request, whose charge stands."""

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
    """Charge pictures that are about to be queued, and note it on them; when. Save them afterwards.

    Raises QuotaExceededError where they are too many, or too many at once; nothing is written then.
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
    """Raise QuotaExceededError where charging these pictures would exceed the month; charges nothing."""
    quota.check_month(user, pictures=len(pictures), pixels=sum(map(_pixels, pictures)), most=most)


def standing(pictures: QuerySet[Picture]) -> list[Charged]:
    """Those among these pictures whose charge stands, locked."""
    rows = locks.fetch_held(pictures.filter(charged_at__isnull=False).only(*_FACTS))
    return [
        Charged(picture.pk, picture.user_id, picture.job_id, _pixels(picture), picture.charged_at)
        for picture in rows
        if picture.charged_at is not None
    ]


def withdraw(pictures: QuerySet[Picture]) -> list[Charged]:
    """As `standing`, and clears `charged_at`: `refund` them in the same transaction."""
    charges = standing(pictures)
    if charges:
        Picture.objects.filter(pk__in=[one.pk for one in charges]).update(charged_at=None)
    return charges


def refund(charges: Iterable[Charged], reason: str) -> None:
    """Take charges back, one entry for each job. The caller takes `charged_at` away beforehand."""
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
    """Charge the pixels that a rendition request has beyond its picture's source; save it afterwards.

    Raises QuotaExceededError where they are too many; nothing is written then.
    """
    rendition_request.charged_pixels = pixels
    rendition_request.charged_at = quota.charge(
        rendition_request.user, pictures=0, pixels=pixels, job=job, reason="larger rendition"
    )


def take_back(rendition_requests: QuerySet[RenditionRequest], reason: str) -> None:
    """Refund what rendition requests were charged that come to nothing.

    Call it in the transaction that ends them, before they are deleted.
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
