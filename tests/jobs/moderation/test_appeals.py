"""Appeals: once, without a sign-in, answered by a moderator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, User
from jobs.errors import ModerationError, WrongStateError
from jobs.models import Appeal, Case, Decision, DecisionAction
from jobs.moderation import links
from jobs.moderation.services import appeals, deciding
from jobs.selectors import account_records
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def decision(case: Case, moderator: User) -> Decision:
    """A suspension."""
    return deciding.decide(
        case,
        DecisionAction.SUSPEND,
        moderator,
        reason="internal words",
        message="No <b>spam</b>.",
        until=timezone.now() + timedelta(days=7),
    )


def test_a_suspended_person_answers_by_the_link_without_a_sign_in(decision: Decision, user: User) -> None:
    browser = Client()
    path = links.path_of(decision.pk)
    page = browser.get(path)
    assert page.status_code == 200
    shown = page.content.decode()
    assert "No &lt;b&gt;spam&lt;/b&gt;." in shown
    assert "internal words" not in shown
    assert browser.post(path, {"words": " "}).status_code == 422
    assert browser.post(path, {"words": "It was not me."}).status_code == 302
    assert "It was not me." in browser.get(path).content.decode()
    assert Appeal.objects.get().words == "It was not me."
    assert Case.objects.get().state == "appealed"
    entry = AuditEntry.objects.get(action="appealed")
    assert (entry.actor, entry.subject, entry.by_staff) == (user.pk, user.pk, False)
    assert browser.post(path, {"words": "Again!"}).status_code == 422
    assert Appeal.objects.get().words == "It was not me."


def test_signing_in_says_why_and_leads_to_the_answer(decision: Decision, user: User) -> None:
    page = Client().post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert page.status_code == 403
    assert "This account is suspended" in page.content.decode()
    assert reverse("jobs:decision", args=["x"])[:-2] in page.content.decode()
    wrong = Client().post(reverse("account_login"), {"login": user.email, "password": "wrong"})
    assert (wrong.status_code, "suspended" in wrong.content.decode()) == (200, False)


@pytest.mark.parametrize("key", ["nonsense", "a:b:c"])
def test_a_link_that_we_did_not_make_is_not_found(key: str) -> None:
    assert Client().get(reverse("jobs:decision", args=[key])).status_code == 404


def test_an_approval_has_no_page(case: Case, moderator: User) -> None:
    approved = deciding.decide(case, DecisionAction.APPROVE, moderator, reason="fine")
    assert Client().get(links.path_of(approved.pk)).status_code == 404
    with pytest.raises(WrongStateError):
        appeals.appeal(approved, "Why?")
    assert Appeal.objects.count() == 0


def test_an_upheld_appeal_undoes_the_decision_and_tells_the_person(
    decision: Decision, user: User, moderator: User, django_capture_on_commit_callbacks: Any
) -> None:
    made = appeals.appeal(decision, "It was not me.")
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        appeals.answer(made, moderator, upheld=True, words="You are right.")
    user.refresh_from_db()
    decision.refresh_from_db()
    assert (user.is_suspended, decision.undone_by, Case.objects.get().state) == (False, moderator, "decided")
    assert sorted(sent.subject for sent in mail.outbox) == [
        "[bgplatform] A decision about your account was undone",
        "[bgplatform] An answer to your appeal",
    ]
    with pytest.raises(WrongStateError) as refused:
        appeals.answer(made, moderator, upheld=False, words="No.")
    assert refused.value.code == "answered_already"
    assert Appeal.objects.get().upheld is True


def test_a_rejected_appeal_leaves_the_decision(decision: Decision, user: User, moderator: User) -> None:
    made = appeals.appeal(decision, "It was not me.")
    appeals.answer(made, moderator, upheld=False, words="It was.")
    user.refresh_from_db()
    assert (user.is_suspended, Appeal.objects.get().answer) == (True, "It was.")


def test_answering_needs_its_permission_and_words(
    decision: Decision, moderator: User, without: Callable[[str], User]
) -> None:
    made = appeals.appeal(decision, "It was not me.")
    with pytest.raises(PermissionDenied):
        appeals.answer(made, without("answer_appeal"), upheld=True, words="Yes.")
    with pytest.raises(ModerationError) as refused:
        appeals.answer(made, moderator, upheld=True, words=" ")
    assert refused.value.code == "answer_missing"
    assert Appeal.objects.get().answered_at is None


def test_an_undone_decision_cannot_be_appealed(decision: Decision, moderator: User) -> None:
    deciding.undo(decision, moderator)
    with pytest.raises(WrongStateError) as refused:
        appeals.appeal(decision, "Why?")
    assert refused.value.code == "undone_already"
    assert Appeal.objects.count() == 0


def test_a_person_sees_their_own_decisions(
    case: Case, moderator: User, user: User, stranger: User, client_of: Callable[[User], Client]
) -> None:
    deciding.decide(
        case, DecisionAction.WARN, moderator, reason="internal words", message="Please read the rules."
    )
    page = client_of(user).get(reverse("jobs:decisions")).content.decode()
    assert "Please read the rules." in page
    assert "internal words" not in page
    assert "Please read the rules." not in client_of(stranger).get(reverse("jobs:decisions")).content.decode()


def test_an_export_has_the_decision_without_the_notes_of_the_staff(decision: Decision, user: User) -> None:
    rows = {name: b"".join(lines).decode() for name, lines in account_records.tables(user)}
    assert "No <b>spam</b>." in rows["jobs.decision"]
    assert "internal words" not in "".join(rows.values())


def test_a_null_character_is_refused(decision: Decision) -> None:
    answer = Client().post(links.path_of(decision.pk), {"words": "a\0b"})
    assert answer.status_code == 422
    assert not Appeal.objects.exists()
