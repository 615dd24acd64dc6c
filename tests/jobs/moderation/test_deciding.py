"""Decisions: what each does, who may, what happens at once, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.utils import formats, timezone

from accounts.errors import SuspensionRefusedError
from accounts.models import AuditEntry, User
from jobs.errors import ModerationError, WrongStateError
from jobs.models import Case, Decision, DecisionAction, FlagKind, Job, Picture, Receipt
from jobs.moderation.services import appeals, assigning, deciding, flag
from tests.jobs.factories import bare_job

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


def values(action: DecisionAction) -> dict[str, Any]:
    """What an action needs."""
    until = timezone.now() + WEEK if action == DecisionAction.SUSPEND else None
    message = "" if action == DecisionAction.APPROVE else "Read the rules."
    return {"reason": "as agreed", "message": message, "until": until}


def decide(case: Case, action: DecisionAction, moderator: User, **more: Any) -> Decision:
    return deciding.decide(case, action, moderator, **{**values(action), **more})


def state(user: User, picture: Picture) -> dict[str, object]:
    """What decisions may change."""
    user.refresh_from_db()
    found = Picture.objects.filter(pk=picture.pk).first()
    return {
        "suspended": user.is_suspended,
        "until": user.suspended_until is not None,
        "hidden": found.hidden if found else None,
        "deleted": found is None,
    }


UNTOUCHED = {"suspended": False, "until": False, "hidden": False, "deleted": False}
EFFECTS = {
    DecisionAction.APPROVE: {},
    DecisionAction.HIDE: {"hidden": True},
    DecisionAction.DELETE: {"hidden": None, "deleted": True},
    DecisionAction.WARN: {},
    DecisionAction.SUSPEND: {"suspended": True, "until": True},
    DecisionAction.BAN: {"suspended": True},
}


@pytest.mark.parametrize("action", DecisionAction)
def test_each_action_does_what_it_says(
    action: DecisionAction,
    case: Case,
    moderator: User,
    user: User,
    picture: Picture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        decision = decide(case, action, moderator)
    assert state(user, picture) == {**UNTOUCHED, **EFFECTS[action]}
    case.refresh_from_db()
    assert (case.state, case.assigned_to) == ("decided", moderator)
    told = action != DecisionAction.APPROVE
    entry = AuditEntry.objects.get(action="decided")
    assert (entry.actor, entry.subject, entry.target, entry.reason, entry.facts) == (
        moderator.pk,
        user.pk if told else None,
        str(case.pk),
        decision.message,
        {"action": action.value, "decision": str(decision.pk)},
    )
    assert [sent.to for sent in mail.outbox] == ([[user.email]] if told else [])
    if told:
        assert "Read the rules." in mail.outbox[0].body
        assert "as agreed" not in mail.outbox[0].body


@pytest.mark.parametrize("action", DecisionAction)
def test_each_action_needs_its_permission(
    action: DecisionAction, case: Case, without: Callable[[str], User], user: User, picture: Picture
) -> None:
    with pytest.raises(PermissionDenied):
        decide(case, action, without(f"decide_{action.value}"))
    assert state(user, picture) == UNTOUCHED
    case.refresh_from_db()
    assert (case.state, Decision.objects.count()) == ("open", 0)


@pytest.mark.parametrize("action", [one for one in DecisionAction if one != DecisionAction.DELETE])
def test_each_decision_but_a_deletion_can_be_undone(
    action: DecisionAction, case: Case, moderator: User, user: User, picture: Picture
) -> None:
    decision = decide(case, action, moderator)
    deciding.undo(decision, moderator)
    assert state(user, picture) == UNTOUCHED
    decision.refresh_from_db()
    assert decision.undone_by == moderator
    case.refresh_from_db()
    assert case.state == ("open" if action == DecisionAction.APPROVE else "decided")
    with pytest.raises(WrongStateError) as refused:
        deciding.undo(decision, moderator)
    assert refused.value.code == "undone_already"
    assert AuditEntry.objects.filter(action="decision_undone").count() == 1


def test_a_deletion_cannot_be_undone(case: Case, moderator: User) -> None:
    decision = decide(case, DecisionAction.DELETE, moderator)
    case.refresh_from_db()
    with pytest.raises(WrongStateError) as refused:
        deciding.undo(Decision.objects.get(), moderator)
    assert refused.value.code == "cannot_be_undone"
    assert Receipt.objects.get().reason == "rules"
    assert decision.undone_at is None


def test_undoing_needs_its_permission(case: Case, moderator: User, without: Callable[[str], User]) -> None:
    decision = decide(case, DecisionAction.HIDE, moderator)
    with pytest.raises(PermissionDenied):
        deciding.undo(decision, without("undo_decision"))
    decision.refresh_from_db()
    assert decision.undone_at is None


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        (DecisionAction.WARN, {"reason": " "}, "reason_missing"),
        (DecisionAction.WARN, {"reason": "x" * 501}, "too_long"),
        (DecisionAction.WARN, {"message": ""}, "message_missing"),
        (DecisionAction.WARN, {"message": "x" * 2001}, "too_long"),
        (DecisionAction.SUSPEND, {"until": None}, "end_missing"),
        (DecisionAction.BAN, {"until": timezone.now() + WEEK}, "end_not_wanted"),
    ],
)
def test_a_decision_with_unsuitable_values_is_refused(
    action: DecisionAction, changes: dict[str, Any], code: str, case: Case, moderator: User
) -> None:
    with pytest.raises(ModerationError) as refused:
        decide(case, action, moderator, **changes)
    assert refused.value.code == code
    case.refresh_from_db()
    assert (case.state, Decision.objects.count()) == ("open", 0)


def test_what_is_gone_can_be_neither_hidden_nor_deleted(
    case: Case, moderator: User, picture: Picture
) -> None:
    Job.objects.all().delete()
    for action in (DecisionAction.HIDE, DecisionAction.DELETE):
        with pytest.raises(ModerationError) as refused:
            decide(case, action, moderator)
        assert refused.value.code == "deleted_already"
    case.refresh_from_db()
    assert (case.state, Decision.objects.count()) == ("open", 0)
    decide(case, DecisionAction.WARN, moderator)


def test_only_one_moderator_decides_a_case(case: Case, moderator: User, other_moderator: User) -> None:
    decide(case, DecisionAction.APPROVE, moderator)
    with pytest.raises(WrongStateError) as refused:
        decide(case, DecisionAction.HIDE, other_moderator)
    assert refused.value.code == "case_decided"
    assert Decision.objects.count() == 1


def test_a_case_that_somebody_else_took_is_free_after_a_while(
    case: Case, moderator: User, other_moderator: User
) -> None:
    assigning.take(case, moderator)
    for act in (
        lambda: assigning.take(case, other_moderator),
        lambda: decide(case, DecisionAction.APPROVE, other_moderator),
    ):
        with pytest.raises(WrongStateError) as refused:
            act()
        assert refused.value.code == "case_taken"
    Case.objects.update(assigned_at=timezone.now() - assigning.TAKEN_FOR)
    assigning.take(case, other_moderator)
    case.refresh_from_db()
    assert case.assigned_to == other_moderator
    assert not assigning.release(case, moderator)
    assert assigning.release(case, other_moderator)
    case.refresh_from_db()
    assert (case.assigned_to, case.assigned_at) == (None, None)


def test_taking_needs_its_permission(case: Case, without: Callable[[str], User]) -> None:
    with pytest.raises(PermissionDenied):
        assigning.take(case, without("assign_case"))
    case.refresh_from_db()
    assert case.assigned_to is None


def test_nobody_decides_about_themselves(moderator: User) -> None:
    made = flag(FlagKind.BURST_OF_UPLOADS, user=moderator)
    assert made is not None
    with pytest.raises(PermissionDenied):
        decide(made.case, DecisionAction.APPROVE, moderator)
    assert Decision.objects.count() == 0


def test_staff_cannot_be_suspended_by_a_decision(moderator: User, other_moderator: User) -> None:
    made = flag(FlagKind.BURST_OF_UPLOADS, user=other_moderator)
    assert made is not None
    with pytest.raises(SuspensionRefusedError):
        decide(made.case, DecisionAction.BAN, moderator)
    assert (Decision.objects.count(), Case.objects.get().state) == (0, "open")


def test_something_else_can_be_decided_as_well(
    case: Case, moderator: User, user: User, picture: Picture
) -> None:
    with pytest.raises(WrongStateError):
        decide(case, DecisionAction.HIDE, moderator, further=True)
    decide(case, DecisionAction.HIDE, moderator)
    decide(case, DecisionAction.SUSPEND, moderator, further=True)
    assert state(user, picture) == {**UNTOUCHED, "hidden": True, "suspended": True, "until": True}


def test_undoing_a_ban_leaves_an_earlier_suspension(case: Case, moderator: User, user: User) -> None:
    suspended = decide(case, DecisionAction.SUSPEND, moderator)
    ban = decide(case, DecisionAction.BAN, moderator, further=True)
    deciding.undo(ban, moderator)
    user.refresh_from_db()
    assert user.suspended_until == suspended.until
    deciding.undo(suspended, moderator)
    user.refresh_from_db()
    assert user.suspended_at is None


def test_many_cases_are_decided_alike_and_one_refusal_stops_no_other(
    user: User, moderator: User, other_moderator: User
) -> None:
    cases = []
    for _ in range(3):
        made = flag(FlagKind.EXPLICIT_CONTENT, user=user, job=bare_job(user))
        assert made is not None
        cases.append(made.case)
    assigning.take(cases[1], other_moderator)
    result = deciding.decide_many(
        [one.pk for one in cases], DecisionAction.HIDE, moderator, reason="alike", message="Rules."
    )
    assert [one.case_id for one in result.decided] == [cases[0].pk, cases[2].pk]
    assert len(result.refused) == 1
    assert "Another moderator works on this case" in result.refused[0]
    assert Job.objects.filter(hidden_at__isnull=False).count() == 2


def test_deciding_many_needs_the_permission_and_has_a_bound(
    case: Case, moderator: User, without: Callable[[str], User]
) -> None:
    with pytest.raises(PermissionDenied):
        deciding.decide_many([case.pk], DecisionAction.APPROVE, without("decide_approve"), reason="x")
    with pytest.raises(ModerationError) as refused:
        deciding.decide_many([case.pk] * 101, DecisionAction.APPROVE, moderator, reason="x")
    assert refused.value.code == "too_many_cases"
    assert Decision.objects.count() == 0


def test_the_mail_names_the_end_of_a_suspension_in_the_persons_time_zone(
    case: Case, moderator: User, django_capture_on_commit_callbacks: Any
) -> None:
    User.objects.filter(pk=case.user_id).update(time_zone="Pacific/Auckland")
    until = (timezone.now() + WEEK).replace(hour=23, minute=30)
    case.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        decide(case, DecisionAction.SUSPEND, moderator, until=until)
    there = until.astimezone(ZoneInfo("Pacific/Auckland"))
    assert there.day != until.day
    assert formats.date_format(there, "DATETIME_FORMAT") in mail.outbox[0].body


@pytest.mark.parametrize("first", [DecisionAction.BAN, DecisionAction.SUSPEND])
def test_a_shorter_suspension_does_not_replace_a_stricter_one(
    first: DecisionAction, case: Case, moderator: User, user: User
) -> None:
    stricter = decide(case, first, moderator)
    other = flag(FlagKind.BURST_OF_UPLOADS, user=user)
    assert other is not None
    shorter = decide(other.case, DecisionAction.SUSPEND, moderator, until=timezone.now() + timedelta(days=1))
    user.refresh_from_db()
    assert (user.is_suspended, user.suspended_until) == (True, stricter.until)
    deciding.undo(stricter, moderator)
    user.refresh_from_db()
    assert (user.is_suspended, user.suspended_until) == (True, shorter.until)


def test_an_unanswered_appeal_keeps_its_case_in_the_queue(case: Case, moderator: User) -> None:
    hide = decide(case, DecisionAction.HIDE, moderator)
    approval = decide(case, DecisionAction.APPROVE, moderator, further=True)
    deciding.undo(approval, moderator)
    appeals.appeal(hide, "It is my own picture.")
    case.refresh_from_db()
    assert case.state == "open"
    decide(case, DecisionAction.APPROVE, moderator)
    case.refresh_from_db()
    assert (case.state, case.assigned_to) == ("appealed", None)
