"""The pages of moderators: the queue, a case, a person; who may do what there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, User
from jobs.models import Appeal, Case, Decision, DecisionAction, FlagKind, Job, RefusedPicture
from jobs.moderation.services import appeals, assigning, deciding, flag
from tests.conftest import make_job
from tests.jobs.factories import bare_job, complete_all, pictures_of
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]

QUEUE = reverse("admin:jobs_case_changelist")
VALUES = {"reason": "as agreed", "message": "Read the rules.", "days": ""}
MARKUP = '<img src=x onerror="alert(1)">'


def form_of(action: DecisionAction) -> dict[str, str]:
    return {**VALUES, "choice": action.value, "days": "7" if action == DecisionAction.SUSPEND else ""}


@pytest.fixture
def browser(moderator: User, client_of: Callable[[User], Client]) -> Client:
    """A moderator's browser."""
    return client_of(moderator)


def page_of(case: Case) -> str:
    return reverse("admin:jobs_case_change", args=[case.pk])


def flagged(user: User) -> Case:
    made = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=pictures_of(bare_job(user))[0])
    assert made is not None
    return made.case


def test_the_queue_shows_open_cases_and_filters(browser: Client, user: User, moderator: User) -> None:
    first, second, decided = flagged(user), flagged(user), flagged(user)
    deciding.decide(decided, DecisionAction.APPROVE, moderator, reason="fine")
    assigning.take(second, moderator)

    def shown(**query: str) -> set[Case]:
        page = browser.get(QUEUE, query).content.decode()
        return {case for case in (first, second, decided) if page_of(case) in page}

    assert shown() == {first, second}
    assert shown(state="decided") == {decided}
    assert shown(state="all", kind__exact="picture") == {first, second, decided}
    assert shown(assigned="me") == {second}
    assert shown(why="explicit_content") == {first, second}
    assert shown(why="report") == set()
    assert shown(q="ada@example.org") == {first, second}
    assert shown(q="somebody@example.org") == set()


def test_the_queue_reads_as_often_for_many_cases_as_for_few(browser: Client, user: User) -> None:
    flagged(user)
    browser.get(QUEUE)
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(QUEUE)
    for _ in range(12):
        flagged(user)
    with CaptureQueriesContext(connection) as many:
        browser.get(QUEUE)
    assert len(many) == len(few)


def test_nothing_of_a_picture_is_loaded_before_it_is_asked_for(
    browser: Client, user: User, moderator: User
) -> None:
    job = complete_all(make_job(user))
    (picture,) = pictures_of(job)
    made = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=picture)
    assert made is not None
    for address in (QUEUE, page_of(made.case)):
        assert "<img" not in browser.get(address).content.decode().partition('id="content"')[2]
    seen = AuditEntry.objects.filter(action="opened", kind="jobs.Picture")
    assert not seen.exists()
    for which in ("source", "result"):
        answer = browser.get(reverse("admin:jobs_case_image", args=[made.case_id, picture.pk, which]))
        assert (answer.status_code, body_of(answer)[8:12]) == (200, b"WEBP")
        assert "no-store" in answer["Cache-Control"]
    assert [(row.actor, row.subject, row.facts["which"]) for row in seen.order_by("id")] == [
        (moderator.pk, user.pk, "source"),
        (moderator.pk, user.pk, "result"),
    ]


def test_only_pictures_of_the_case_can_be_opened(browser: Client, case: Case, stranger: User) -> None:
    other = pictures_of(complete_all(make_job(stranger)))[0]
    assert (
        browser.get(reverse("admin:jobs_case_image", args=[case.pk, other.pk, "source"])).status_code == 404
    )
    own = reverse("admin:jobs_case_image", args=[case.pk, case.target, "matte"])
    assert browser.get(own).status_code == 404


def test_the_page_of_a_case_shows_words_as_text_and_is_audited(
    browser: Client, user: User, moderator: User
) -> None:
    job = bare_job(user, title=MARKUP)
    made = flag(FlagKind.EXPLICIT_CONTENT, user=user, job=job, facts={"words": MARKUP})
    assert made is not None
    page = browser.get(page_of(made.case)).content.decode()
    assert MARKUP not in page
    assert page.count("&lt;img src=x") >= 2
    entry = AuditEntry.objects.get(action="opened", kind="jobs.Case")
    assert (entry.actor, entry.target) == (moderator.pk, str(made.case_id))


@pytest.mark.parametrize("action", DecisionAction)
def test_each_action_works_by_the_form(action: DecisionAction, browser: Client, case: Case) -> None:
    answer = browser.post(reverse("admin:jobs_case_decide", args=[case.pk]), form_of(action))
    assert (answer.status_code, answer["Location"]) == (302, page_of(case))
    assert Decision.objects.get().action == action


@pytest.mark.parametrize("action", DecisionAction)
def test_each_action_without_its_permission_is_forbidden(
    action: DecisionAction, case: Case, without: Callable[[str], User], client_of: Callable[[User], Client]
) -> None:
    browser = client_of(without(f"decide_{action.value}"))
    one = browser.post(reverse("admin:jobs_case_decide", args=[case.pk]), form_of(action))
    many = browser.post(
        QUEUE,
        {**form_of(action), "action": "decide_chosen", "_selected_action": [str(case.pk)], "decide": "yes"},
    )
    assert (one.status_code, many.status_code) == (403, 403)
    case.refresh_from_db()
    assert (case.state, Decision.objects.count()) == ("open", 0)


@pytest.mark.parametrize(
    ("codename", "name"),
    [
        ("assign_case", "take"),
        ("assign_case", "release"),
        ("undo_decision", "undo"),
        ("answer_appeal", "answer"),
        ("add_refusedpicture", "refuse"),
        ("view_case", "take"),
        ("view_case", "decide"),
    ],
)
def test_every_other_act_without_its_permission_is_forbidden(
    codename: str,
    name: str,
    case: Case,
    moderator: User,
    without: Callable[[str], User],
    client_of: Callable[[User], Client],
) -> None:
    decision = deciding.decide(case, DecisionAction.HIDE, moderator, reason="r", message="m")
    appeals.appeal(decision, "No.")
    browser = client_of(without(codename))
    given = {"decision": str(decision.pk), "upheld": "yes", "answer": "Yes."}
    answer = browser.post(
        reverse(f"admin:jobs_case_{name}", args=[case.pk]), {**given, **form_of(DecisionAction.WARN)}
    )
    assert answer.status_code == 403
    decision.refresh_from_db()
    assert (decision.undone_at, Appeal.objects.get().answered_at, Decision.objects.count()) == (None, None, 1)


def test_a_moderator_sees_no_other_part_of_the_administration(browser: Client, user: User) -> None:
    for name in ("accounts_user", "accounts_plan", "accounts_apitoken", "jobs_job", "jobs_picture"):
        assert browser.get(reverse(f"admin:{name}_changelist")).status_code == 403
    assert browser.get(reverse("admin:accounts_user_change", args=[user.pk])).status_code == 403


def test_a_form_with_errors_keeps_what_was_written(browser: Client, case: Case) -> None:
    given = {**form_of(DecisionAction.SUSPEND), "days": "", "message": "A long text."}
    answer = browser.post(reverse("admin:jobs_case_decide", args=[case.pk]), given)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose an end of the suspension in the future." in page
    assert "A long text." in page
    assert Decision.objects.count() == 0


def test_the_page_undoes_and_answers(browser: Client, case: Case, moderator: User, user: User) -> None:
    decision = deciding.decide(
        case, DecisionAction.SUSPEND, moderator, reason="r", message="m", until=timezone.now() + timedelta(1)
    )
    appeals.appeal(decision, "It was not me.")
    assert "It was not me." in browser.get(page_of(case)).content.decode()
    given = {"decision": str(decision.pk), "upheld": "yes", "answer": "You are right."}
    browser.post(reverse("admin:jobs_case_answer", args=[case.pk]), given)
    user.refresh_from_db()
    assert (user.is_suspended, Appeal.objects.get().answer) == (False, "You are right.")
    warned = deciding.decide(case, DecisionAction.WARN, moderator, reason="r", message="m", further=True)
    browser.post(reverse("admin:jobs_case_undo", args=[case.pk]), {"decision": str(warned.pk)})
    warned.refresh_from_db()
    assert warned.undone_by == moderator


def test_many_cases_are_decided_by_one_form(browser: Client, user: User) -> None:
    cases = [flagged(user), flagged(user)]
    chosen: dict[str, Any] = {"action": "decide_chosen", "_selected_action": [str(case.pk) for case in cases]}
    assert "Decide alike" in browser.post(QUEUE, chosen).content.decode()
    answer = browser.post(QUEUE, {**chosen, **form_of(DecisionAction.HIDE), "decide": "yes"}, follow=True)
    assert "2 cases are decided." in answer.content.decode()
    assert Decision.objects.filter(action="hide").count() == 2


def test_the_page_of_a_person_shows_what_is_known_with_constant_queries(
    browser: Client, case: Case, moderator: User, user: User
) -> None:
    deciding.decide(case, DecisionAction.WARN, moderator, reason="r", message="Please do not.")
    address = reverse("admin:jobs_case_person", args=[user.pk])
    page = browser.get(address).content.decode()
    for words in (
        user.email,
        "made by a test",
        "Please do not.",
        "explicit content",
        "decided by a moderator",
    ):
        assert words in page, words
    assert AuditEntry.objects.filter(action="opened", kind="accounts.User", subject=user.pk).count() == 1
    with CaptureQueriesContext(connection) as few:
        browser.get(address)
    for _ in range(5):
        made = flagged(user)
        deciding.decide(made, DecisionAction.HIDE, moderator, reason="r", message="m")
    with CaptureQueriesContext(connection) as many:
        browser.get(address)
    assert len(many) == len(few)
    assert Job.objects.count() == 6


def test_a_case_about_an_account_can_be_opened_without_a_flag(
    browser: Client,
    moderator: User,
    user: User,
    without: Callable[[str], User],
    client_of: Callable[[User], Client],
) -> None:
    address = reverse("admin:jobs_case_open", args=[user.pk])
    assert client_of(without("assign_case")).post(address).status_code == 403
    assert Case.objects.count() == 0
    browser.post(address)
    case = Case.objects.get()
    assert (case.kind, case.user, case.assigned_to) == ("account", user, moderator)
    page = browser.get(page_of(case)).content.decode()
    assert 'value="hide"' not in page
    assert 'value="suspend"' in page


def test_a_picture_of_the_case_is_refused_from_now_on(browser: Client, user: User, moderator: User) -> None:
    (picture,) = pictures_of(make_job(user))
    made = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=picture)
    assert made is not None
    address = reverse("admin:jobs_case_refuse", args=[made.case_id])
    assert browser.post(address, {"picture": str(made.case_id)}).status_code == 404
    assert RefusedPicture.objects.count() == 0
    assert browser.post(address, {"picture": str(picture.pk)}).status_code == 302
    assert RefusedPicture.objects.get().size == picture.source_size
