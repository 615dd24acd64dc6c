"""Reads of shares: the owner's list, and the gate through which visitors see the shared pictures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.services import suspension
from jobs import selectors, share_tokens
from jobs.models import Continuation, Job, Picture, Rendition, Share

PICTURES_PER_PAGE = 60
SHARES_PER_PAGE = 25


@dataclass(frozen=True)
class Shown:
    """One shared picture. number: its place in the share, from 1. before, after: its neighbours."""

    picture: Picture
    number: int
    before: UUID | None
    after: UUID | None


def shares_of(user: User) -> QuerySet[Share]:
    """Returns a user's shares, newest first, each with `selected`: how many pictures were chosen."""
    mine: QuerySet[Share] = Share.objects.for_user(user)
    return mine.select_related("job").annotate(selected=Count("pictures")).order_by("-id")


def share_of(user: User, share: UUID) -> Share:
    """Returns one share of this user. Raises Share.DoesNotExist for another user's."""
    return shares_of(user).get(pk=share)


def live(token: str) -> Share:
    """Returns the share of a link, with its owner and job.

    This is the gate for visitors. Raises Share.DoesNotExist alike for an unknown, revoked, expired or hidden
    share, and where its owner's account is closed or suspended or its job is hidden or being deleted.
    """
    found: Share = live_shares().select_related("user", "job").get(digest=share_tokens.digest_of(token))
    return found


def live_shares() -> QuerySet[Share]:
    """Returns the shares whose links work now."""
    deleting = Continuation.objects.filter(job=OuterRef("job"), deleting=True)
    found: QuerySet[Share] = Share.objects.filter(
        ~Exists(deleting),
        ~suspension.in_force("user__"),
        revoked_at__isnull=True,
        hidden_at__isnull=True,
        expires_at__gt=timezone.now(),
        user__is_active=True,
        job__hidden_at__isnull=True,
    )
    return found


def pictures_of(share: Share, start: int = 0, most: int = PICTURES_PER_PAGE) -> list[Picture]:
    """Returns the pictures that a share shows, from place `start` on, each with its newest result.

    The first place is 0.
    """
    found = list(_shown(share).order_by("position")[start : start + most])
    selectors.attach_renditions(found)
    return [picture for picture in found if picture.rendition]


def count_of(share: Share) -> int:
    """Returns how many pictures a share shows now."""
    return _shown(share).count()


def picture_of(share: Share, picture: UUID) -> Picture:
    """Returns one picture of a share. Raises Picture.DoesNotExist for any other picture."""
    found: Picture = _shown(share).get(pk=picture)
    selectors.attach_renditions([found])
    if found.rendition is None:
        raise Picture.DoesNotExist
    return found


def shown_of(share: Share, picture: UUID) -> Shown:
    """Returns one picture of a share with its place and neighbours. Raises Picture.DoesNotExist."""
    found = picture_of(share, picture)
    before = _shown(share).filter(position__lt=found.position)
    after = _shown(share).filter(position__gt=found.position)
    return Shown(
        found,
        number=before.count() + 1,
        before=before.order_by("-position").values_list("pk", flat=True).first(),
        after=after.order_by("position").values_list("pk", flat=True).first(),
    )


def shareable(job: Job, pictures: Collection[UUID]) -> list[Picture]:
    """Returns those of these pictures of a job that have a result, in the job's order."""
    found = Picture.objects.filter(job=job, pk__in=pictures, state=Picture.State.DONE)
    return list(found.order_by("position"))


def _shown(share: Share) -> QuerySet[Picture]:
    """The pictures of a share that are done, have a result and are not hidden by a moderator."""
    chosen = Q() if share.is_whole else Q(shares=share)
    found: QuerySet[Picture] = Picture.objects.filter(
        chosen,
        Exists(Rendition.objects.filter(picture=OuterRef("pk"))),
        job=share.job_id,
        state=Picture.State.DONE,
        hidden_at__isnull=True,
    )
    return found
