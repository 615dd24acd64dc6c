"""Reads of moderation: bounded, with a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from accounts.audit_selectors import entries_of
from accounts.models import AuditEntry, User
from jobs.models import Appeal, Case, CaseKind, Decision, DecisionAction, Flag, Job, Picture, Report, Share
from jobs.selectors import attach_renditions

PICTURES: Final = 24
ROWS: Final = 50


def decisions_of(user: User) -> QuerySet[Decision]:
    """The decisions against a person, the newest first, each with its appeal. The caller bounds them."""
    rows: QuerySet[Decision] = Decision.objects.for_user(user).filter(action__in=Decision.AGAINST)
    return rows.select_related("appeal", "case").order_by("-created_at", "-id")


@dataclass(frozen=True)
class CaseDetails:
    """What the page of a case shows. pictures: the first PICTURES."""

    case: Case
    flags: list[Flag]
    reports: list[Report]
    decisions: list[Decision]
    pictures: list[Picture]
    share: Share | None

    @property
    def waiting_appeals(self) -> list[Appeal]:
        """The appeals that nobody has answered."""
        found = [getattr(decision, "appeal", None) for decision in self.decisions]
        return [appeal for appeal in found if appeal is not None and appeal.answered_at is None]


def case_details(pk: UUID) -> CaseDetails:
    """A case with what led to it and what was decided. Raises Case.DoesNotExist."""
    case: Case = Case.objects.select_related("user", "assigned_to", "picture", "job").get(pk=pk)
    decisions = Decision.objects.filter(case=case).select_related("moderator", "undone_by", "appeal", "user")
    return CaseDetails(
        case=case,
        flags=list(Flag.objects.filter(case=case)[:ROWS]),
        reports=list(Report.objects.filter(case=case).select_related("reporter")[:ROWS]),
        decisions=list(decisions[:ROWS]),
        pictures=list(pictures_of(case).order_by("position")[:PICTURES]),
        share=share_of(case),
    )


def pictures_of(case: Case) -> QuerySet[Picture]:
    """The pictures that a case is about, and no others: what a moderator may open."""
    rows: QuerySet[Picture] = Picture.objects.filter(user=case.user_id).select_related("job")
    if case.target is not None and case.kind == CaseKind.PICTURE:
        return rows.filter(pk=case.target)
    if case.target is not None and case.kind == CaseKind.JOB:
        return rows.filter(job=case.target)
    share = share_of(case)
    if share is not None:
        return rows.filter(job=share.job_id) if share.is_whole else rows.filter(shares=share)
    return rows.none()


def share_of(case: Case) -> Share | None:
    """The share that a case is about; None where it is about something else, or the share is deleted."""
    if case.kind != CaseKind.SHARE or case.target is None:
        return None
    found: Share | None = (
        Share.objects.filter(pk=case.target, user=case.user_id).select_related("job").first()
    )
    return found


def picture_of(case: Case, picture: UUID) -> Picture:
    """One picture of a case, with its rendition. Raises Picture.DoesNotExist for any other."""
    found = pictures_of(case).get(pk=picture)
    attach_renditions([found])
    return found


@dataclass(frozen=True)
class PersonDetails:
    """What the page of a person shows: the newest ROWS of each."""

    person: User
    jobs: list[Job]
    cases: list[Case]
    decisions: list[Decision]
    history: list[AuditEntry]

    @property
    def warnings(self) -> int:
        """How many warnings stand."""
        standing = [one for one in self.decisions if one.undone_at is None]
        return sum(one.action == DecisionAction.WARN for one in standing)


def person_details(pk: int) -> PersonDetails:
    """A person with jobs, cases, decisions and history. Raises User.DoesNotExist."""
    person = User.objects.select_related("plan").get(pk=pk)
    decisions = Decision.objects.filter(user=person).select_related(
        "moderator", "undone_by", "appeal", "case"
    )
    return PersonDetails(
        person=person,
        jobs=list(Job.objects.for_user(person).order_by("-created_at", "-id")[:ROWS]),
        cases=list(Case.objects.for_user(person).prefetch_related("flags", "reports")[:ROWS]),
        decisions=list(decisions[:ROWS]),
        history=list(entries_of(person)[:ROWS]),
    )
