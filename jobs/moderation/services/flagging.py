"""Flags and reports. Both open a case, or join the open case of the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import AuditAction, User
from accounts.services import audit
from jobs.errors import ModerationError
from jobs.models import Case, CaseKind, Flag, FlagKind, Job, Picture, Report, ReportReason, Severity

# An account that was decided about can be flagged for the same reason again after this time.
ACCOUNT_FLAGGED_AGAIN: Final = timedelta(days=1)
_SEVERITY_OF_FLAG: Final = {
    FlagKind.EXPLICIT_CONTENT: Severity.MEDIUM,
    FlagKind.REFUSED_PICTURE: Severity.HIGH,
    FlagKind.BURST_OF_SIGN_UPS: Severity.LOW,
    FlagKind.BURST_OF_UPLOADS: Severity.LOW,
}
_SEVERITY_OF_REPORT: Final = {
    ReportReason.ILLEGAL: Severity.HIGH,
    ReportReason.EXPLICIT: Severity.MEDIUM,
    ReportReason.PRIVACY: Severity.HIGH,
    ReportReason.COPYRIGHT: Severity.MEDIUM,
    ReportReason.OTHER: Severity.LOW,
}


class Shared(Protocol):
    """What a report needs to know of a share."""

    @property
    def pk(self) -> UUID:
        """The share's id."""

    @property
    def user_id(self) -> int:
        """Who shares."""


def flag(
    kind: FlagKind,
    *,
    user: User | int,
    job: Job | None = None,
    picture: Picture | None = None,
    score: float | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Flag | None:
    """Flags a picture, a job, or with neither the account of `user`. Notifies nobody and decides nothing.

    score: how sure the machine is, from 0 to 1. facts: small JSON values for moderators. Returns None if the
    same thing is flagged for this reason already, whatever was decided. An account can be flagged again a day
    later.
    """
    owner = user.pk if isinstance(user, User) else user
    with transaction.atomic():
        if _is_flagged(kind, owner, job, picture):
            return None
        case = open_case(owner, _SEVERITY_OF_FLAG[kind], job=job, picture=picture)
        made, created = Flag.objects.get_or_create(
            case=case, kind=kind, defaults={"score": score, "facts": dict(facts or {})}
        )
    return made if created else None


def report(*, share: Shared, reason: ReportReason, words: str, reporter: User | None) -> Report:
    """Records a person's report of a share. reporter: None for a visitor without an account.

    Raises ModerationError for words of more than Report.MAX_WORDS characters.
    """
    words = words.strip()
    if len(words) > Report.MAX_WORDS:
        sentence = f"Write at most {Report.MAX_WORDS} characters."
        raise ModerationError("too_long", sentence)
    with transaction.atomic():
        case = open_case(share.user_id, _SEVERITY_OF_REPORT[reason], share=share)
        made: Report = Report.objects.create(case=case, reason=reason, words=words, reporter=reporter)
        # The owner's page of activity shows entries of which the owner is the subject. Not this one.
        audit.record(AuditAction.REPORTED, subject=None, on=case, actor=reporter, facts={"reason": reason})
    return made


def review(share: Shared) -> Case | None:
    """Puts a new share into the queue, so that a moderator looks at it. Does nothing without REVIEW_SHARES.

    The share works meanwhile.
    """
    return open_case(share.user_id, Severity.LOW, share=share) if settings.REVIEW_SHARES else None


def _is_flagged(kind: FlagKind, user: int, job: Job | None, picture: Picture | None) -> bool:
    flags = Flag.objects.filter(kind=kind)
    if picture is not None:
        return flags.filter(case__kind=CaseKind.PICTURE, case__target=picture.pk).exists()
    if job is not None:
        return flags.filter(case__kind=CaseKind.JOB, case__target=job.pk).exists()
    since = timezone.now() - ACCOUNT_FLAGGED_AGAIN
    return flags.filter(case__kind=CaseKind.ACCOUNT, case__user=user, created_at__gt=since).exists()


def open_case(
    user: int,
    severity: Severity,
    *,
    job: Job | None = None,
    picture: Picture | None = None,
    share: Shared | None = None,
) -> Case:
    """The open case of a thing; a new one if there is none. Its severity is that of its worst part."""
    about: dict[str, Any]
    if picture is not None:
        about = {"kind": CaseKind.PICTURE, "target": picture.pk}
    elif job is not None:
        about = {"kind": CaseKind.JOB, "target": job.pk}
    elif share is not None:
        about = {"kind": CaseKind.SHARE, "target": share.pk}
    else:
        about = {"kind": CaseKind.ACCOUNT, "user_id": user}
    still_open = Case.objects.filter(**about, state=Case.State.OPEN)
    case: Case | None = still_open.first()
    if case is None:
        try:
            with transaction.atomic():
                made: Case = Case.objects.create(
                    **{"user_id": user, **about}, picture=picture, job=job, severity=severity
                )
            return made
        except IntegrityError:
            # Opened by somebody else at the same moment.
            case = still_open.get()
    # The UPDATE also locks the case, so that nobody decides it before the flag or report is written.
    if not still_open.filter(pk=case.pk).update(severity=Greatest(F("severity"), Value(severity))):
        # It was decided a moment ago.
        return open_case(user, severity, job=job, picture=picture, share=share)
    return case
