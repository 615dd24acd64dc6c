"""Flags and reports: which case they open or join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, User
from common.ids import new_id
from jobs.errors import ModerationError
from jobs.models import Case, Flag, FlagKind, Report, ReportReason, Severity
from jobs.moderation.services import flag, flagging, report
from tests.jobs.factories import bare_job, pictures_of

pytestmark = pytest.mark.django_db


@dataclass
class Share:
    """As much of a share as a report needs."""

    pk: UUID
    user_id: int


def test_a_flag_opens_a_case_of_the_picture_with_its_owner(user: User) -> None:
    (picture,) = pictures_of(bare_job(user))
    made = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=picture, score=0.9, facts={"model": "x"})
    assert made is not None
    case = made.case
    assert (case.user_id, case.kind, case.target, case.picture_id) == (
        user.pk,
        "picture",
        picture.pk,
        picture.pk,
    )
    assert (case.state, case.severity, made.score, made.facts) == ("open", 2, 0.9, {"model": "x"})


def test_flags_of_one_thing_share_a_case_of_the_worst_severity(user: User) -> None:
    (picture,) = pictures_of(bare_job(user))
    first = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=picture)
    second = flag(FlagKind.REFUSED_PICTURE, user=user, picture=picture)
    assert first is not None
    assert second is not None
    assert first.case_id == second.case_id
    assert Case.objects.get().severity == Severity.HIGH


def test_the_same_flag_comes_once_whatever_was_decided(user: User) -> None:
    job = bare_job(user)
    assert flag(FlagKind.EXPLICIT_CONTENT, user=user, job=job) is not None
    assert flag(FlagKind.EXPLICIT_CONTENT, user=user, job=job) is None
    Case.objects.update(state="decided", decided_at=timezone.now())
    assert flag(FlagKind.EXPLICIT_CONTENT, user=user, job=job) is None
    assert Flag.objects.count() == 1


def test_an_account_is_flagged_once_a_day(user: User) -> None:
    assert flag(FlagKind.BURST_OF_UPLOADS, user=user) is not None
    assert flag(FlagKind.BURST_OF_UPLOADS, user=user) is None
    case = Case.objects.get()
    assert (case.kind, case.target, case.user_id) == ("account", None, user.pk)


def test_a_case_survives_what_it_is_about(user: User) -> None:
    job = bare_job(user)
    flag(FlagKind.EXPLICIT_CONTENT, user=user, job=job)
    pk = job.pk
    job.delete()
    case = Case.objects.get()
    assert (case.job_id, case.target) == (None, pk)


def test_reports_of_a_share_share_a_case_and_are_audited(user: User, stranger: User) -> None:
    share = Share(new_id(), user.pk)
    first = report(share=share, reason=ReportReason.OTHER, words=" odd ", reporter=None)
    second = report(share=share, reason=ReportReason.ILLEGAL, words="", reporter=stranger)
    assert first.case_id == second.case_id
    assert (first.words, second.reporter_id) == ("odd", stranger.pk)
    assert Case.objects.get().severity == Severity.HIGH
    entries = AuditEntry.objects.filter(action="reported").order_by("id")
    assert [(row.subject, row.actor, row.target, row.facts) for row in entries] == [
        (None, None, str(first.case_id), {"reason": "other"}),
        (None, stranger.pk, str(first.case_id), {"reason": "illegal"}),
    ]


def test_a_report_of_too_many_words_is_refused(user: User) -> None:
    with pytest.raises(ModerationError) as refused:
        report(share=Share(new_id(), user.pk), reason=ReportReason.OTHER, words="x" * 2001, reporter=None)
    assert refused.value.code == "too_long"
    assert (Report.objects.count(), Case.objects.count()) == (0, 0)


def test_a_flag_never_joins_a_case_that_is_decided_at_that_moment(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = flag(FlagKind.BURST_OF_UPLOADS, user=user)
    assert first is not None
    greatest = flagging.Greatest

    def decided_meanwhile(*values: Any) -> Any:
        Case.objects.filter(pk=first.case_id).update(state="decided", decided_at=timezone.now())
        return greatest(*values)

    monkeypatch.setattr(flagging, "Greatest", decided_meanwhile)
    second = flag(FlagKind.BURST_OF_SIGN_UPS, user=user)
    assert second is not None
    assert second.case_id != first.case_id
    assert second.case.state == "open"
