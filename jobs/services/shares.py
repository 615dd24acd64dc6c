"""Shares: create, revoke, count. The gate for visitors is in selectors/shares.py."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts import locks
from accounts.models import AuditAction, User
from accounts.services import audit
from common.deadlocks import again_after_deadlock
from common.rate_limit import window
from jobs import clock, names, share_tokens
from jobs.errors import GoneError, ShareRefusedError
from jobs.models import Continuation, Job, Picture, Share
from jobs.moderation import services as moderation

logger = logging.getLogger(__name__)

DEFAULT_DAYS: Final = 30
# Live shares of an account, and pictures of a selection.
SHARES_A_USER: Final = 1_000
# New ones within a day, however many were revoked since.
SHARES_A_DAY: Final = 1_000
MOST_SELECTED: Final = 500
PASSWORD_LENGTHS: Final = (6, 128)
# The list still shows a share for this long after it ended.
KEPT_DAYS: Final = 90
SWEEP: Final = 500
# A visitor who comes back within this time is counted once.
COUNT_SECONDS: Final = 1_800


def default_days() -> int:
    """Returns how many days a share lives if nobody says otherwise."""
    return min(DEFAULT_DAYS, settings.SHARE_MAX_DAYS)


@again_after_deadlock
def create(
    user: User,
    job: Job,
    pictures: Sequence[UUID] | None = None,
    *,
    days: int | None = None,
    title: str = "",
    password: str = "",
    may_download: bool = False,
    show_names: bool = False,
    show_owner: bool = False,
) -> Share:
    """Creates a share of a user's own job; its `token` makes the link.

    pictures: a selection of the job's pictures; None: the whole job, with the pictures that finish later.
    days: how long the link works, default_days() by default.

    Raises ShareRefusedError if the values are invalid, if a picture has no result or if the account has too
    many shares, and GoneError if the job is not this user's or was deleted.
    """
    days = default_days() if days is None else days
    if not 1 <= days <= settings.SHARE_MAX_DAYS:
        raise ShareRefusedError(
            "invalid_days", _("Choose 1 to %(most)d days.") % {"most": settings.SHARE_MAX_DAYS}, "days"
        )
    line = names.one_line(title)
    if len(line) > Share.MAX_TITLE:
        raise ShareRefusedError(
            "invalid_title",
            _("A title has at most %(most)d characters.") % {"most": Share.MAX_TITLE},
            "title",
        )
    hashed = _hashed(password)
    chosen = None if pictures is None else list(dict.fromkeys(pictures))
    if chosen is not None and not 1 <= len(chosen) <= MOST_SELECTED:
        raise ShareRefusedError(
            "invalid_pictures",
            _("Choose 1 to %(most)d pictures, or share the whole job.") % {"most": MOST_SELECTED},
            "pictures",
        )
    salt, now = share_tokens.new_salt(), timezone.now()
    with transaction.atomic():
        # Serializes concurrent requests, so that the count stays within the limit.
        locks.hold_user(user.pk)
        _hold_job(user, job)
        if _live_of(user, now).count() >= SHARES_A_USER:
            raise ShareRefusedError(
                "too_many_shares",
                _("An account has at most %(most)d shares. Revoke one that you no longer need.")
                % {"most": SHARES_A_USER},
            )
        lately = Share.objects.filter(user=user, created_at__gt=now - timedelta(days=1))
        if lately.count() >= SHARES_A_DAY:
            raise ShareRefusedError(
                "too_many_shares_a_day",
                _("An account creates at most %(most)d shares a day. Try again tomorrow.")
                % {"most": SHARES_A_DAY},
            )
        share = Share.objects.create(
            user=user,
            job=job,
            kind=_kind(chosen),
            salt=salt,
            digest=share_tokens.digest_of(share_tokens.derive(salt)),
            title=line,
            password=hashed,
            may_download=may_download,
            show_names=show_names,
            show_owner=show_owner,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        if chosen is not None:
            _select(share, chosen)
        elif not Picture.objects.filter(job=job, state=Picture.State.DONE).exists():
            raise ShareRefusedError(
                "no_results", _("This job has no results yet. Share it when the first one is done.")
            )
        facts = {"kind": share.kind, "days": days, "password": bool(hashed), "download": may_download}
        moderation.review(share)
        audit.record(AuditAction.SHARE_CREATED, subject=user, on=share, facts=facts)
    return share


def revoke(share: Share) -> bool:
    """Ends a share. Its link answers like an unknown one from now on. Returns whether this call ended it."""
    with transaction.atomic():
        done = Share.objects.filter(pk=share.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        if done:
            audit.record(AuditAction.SHARE_REVOKED, subject=share.user_id, on=share)
    return bool(done)


def revoke_all(user: User) -> int:
    """Ends all live shares of a user. Returns how many."""
    now = timezone.now()
    with transaction.atomic():
        count = _live_of(user, now).update(revoked_at=now)
        if count:
            audit.record(AuditAction.SHARES_REVOKED, subject=user, facts={"shares": count})
    return count


def end_of_jobs(jobs: Collection[UUID]) -> None:
    """Deletes the shares of jobs that are about to be deleted. The caller has locked the jobs.

    The deletion of a large job takes several transactions; its links end with the first.
    """
    Share.objects.filter(job__in=jobs).delete()


def end_empty(jobs: Collection[UUID]) -> None:
    """Deletes the selections of which no picture is left. The caller has locked the jobs."""
    Share.objects.filter(job__in=jobs, pictures__isnull=True).exclude(kind=Share.Kind.JOB).delete()


def count_view(share: Share, address: str) -> None:
    """Counts a visit of the gallery, once for each client address within COUNT_SECONDS."""
    if _is_first(f"share-view:{share.pk}:{address}"):
        Share.objects.filter(pk=share.pk).update(views=F("views") + 1, last_viewed_at=timezone.now())


def count_download(share: Share, what: str, address: str) -> None:
    """Counts a download, as `count_view` does. what: the picture's id, or a name for the archive."""
    if _is_first(f"share-download:{share.pk}:{what}:{address}"):
        Share.objects.filter(pk=share.pk).update(downloads=F("downloads") + 1)


def sweep() -> int:
    """Deletes shares that ended KEPT_DAYS ago. Returns how many."""
    before = clock.now() - timedelta(days=KEPT_DAYS)
    old = Share.objects.filter(Q(expires_at__lt=before) | Q(revoked_at__lt=before)).order_by("pk")
    chosen = list(old.values_list("pk", flat=True)[:SWEEP])
    Share.objects.filter(pk__in=chosen).delete()
    return len(chosen)


def _hashed(password: str) -> str:
    if not password:
        return ""
    least, most = PASSWORD_LENGTHS
    if not least <= len(password) <= most:
        raise ShareRefusedError(
            "invalid_password",
            _("A password has %(least)d to %(most)d characters.") % {"least": least, "most": most},
            "password",
        )
    return make_password(password)


def _kind(chosen: Sequence[UUID] | None) -> str:
    if chosen is None:
        return Share.Kind.JOB
    return Share.Kind.PICTURE if len(chosen) == 1 else Share.Kind.SELECTION


def _hold_job(user: User, job: Job) -> None:
    """Locks the job, so that it and its pictures stay until the share is written."""
    shareable = Job.objects.for_user(user).filter(pk=job.pk, ephemeral=False, hidden_at__isnull=True)
    held = locks.hold(shareable)
    if not held or Continuation.objects.filter(job=job.pk, deleting=True).exists():
        raise GoneError


def _select(share: Share, chosen: Sequence[UUID]) -> None:
    done = Picture.objects.filter(
        job=share.job_id, pk__in=chosen, state=Picture.State.DONE, hidden_at__isnull=True
    )
    found = list(done.only("pk"))
    if len(found) != len(chosen):
        raise ShareRefusedError(
            "not_shareable",
            _("One of these pictures is not in this job or has no result. Choose others."),
            "pictures",
        )
    share.pictures.set(found)


def _live_of(user: User, now: datetime) -> QuerySet[Share]:
    mine: QuerySet[Share] = Share.objects.for_user(user)
    return mine.filter(revoked_at__isnull=True, expires_at__gt=now)


def _is_first(name: str) -> bool:
    try:
        return window(COUNT_SECONDS).take(name, 1, 1)[0]
    except RedisError:
        # A count that is a little too high is better than none.
        return True
