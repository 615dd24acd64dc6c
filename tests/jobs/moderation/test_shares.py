"""Shares in the queue: new ones, reported ones, and hiding them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.models import Case, DecisionAction, Job, ReportReason, Share
from jobs.moderation import selectors
from jobs.moderation.services import assigning, deciding, report
from jobs.selectors import shares as gate
from jobs.services import shares
from tests.conftest import make_job
from tests.jobs.factories import complete_all, pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


@pytest.fixture
def job(user: User) -> Job:
    """Two finished pictures."""
    return complete_all(make_job(user, 2))


def test_a_new_share_joins_the_queue_and_works_meanwhile(user: User, job: Job) -> None:
    share = shares.create(user, job)
    case = Case.objects.get()
    assert (case.kind, case.target, case.user, case.severity) == ("share", share.pk, user, 1)
    assert gate.live(share.token) == share
    report(share=share, reason=ReportReason.ILLEGAL, words="", reporter=None)
    assert Case.objects.get().severity == 3


def test_without_the_setting_shares_are_not_reviewed(user: User, job: Job, settings: LazySettings) -> None:
    settings.REVIEW_SHARES = False
    shares.create(user, job)
    assert not Case.objects.exists()


def test_a_hidden_share_answers_as_unknown_until_that_is_undone(
    user: User, job: Job, moderator: User
) -> None:
    share = shares.create(user, job)
    decision = deciding.decide(Case.objects.get(), DecisionAction.HIDE, moderator, reason="r", message="m")
    with pytest.raises(Share.DoesNotExist):
        gate.live(share.token)
    deciding.undo(decision, moderator)
    assert gate.live(share.token) == share


def test_a_hidden_picture_is_in_no_share(user: User, job: Job, moderator: User) -> None:
    share = shares.create(user, job)
    Case.objects.all().delete()
    first, second = pictures_of(job)
    type(first).objects.filter(pk=first.pk).update(hidden_at=first.queued_at)
    assert [picture.pk for picture in gate.pictures_of(gate.live(share.token))] == [second.pk]


def test_a_moderator_sees_exactly_the_shared_pictures(
    user: User, job: Job, moderator: User, client_of: Callable[[User], Client]
) -> None:
    first, second = pictures_of(job)
    shares.create(user, job, [second.pk])
    case = Case.objects.get()
    assert [picture.pk for picture in selectors.pictures_of(case)] == [second.pk]
    page = client_of(moderator).get(reverse("admin:jobs_case_change", args=[case.pk])).content.decode()
    assert reverse("admin:jobs_case_image", args=[case.pk, second.pk, "source"]) in page
    assert str(first.pk) not in page
    assert 'value="hide"' in page
    assert 'value="delete"' not in page


def test_a_reported_share_is_seen_hidden_and_shown_again(user: User, moderator: User) -> None:
    job = complete_all(make_job(user, 2))
    first, second = pictures_of(job)
    share = shares.create(user, job, [second.pk])
    token = share.token
    case = report(share=share, reason=ReportReason.COPYRIGHT, words="", reporter=None).case
    assert list(selectors.pictures_of(case)) == [second]
    whole = report(share=shares.create(user, job), reason=ReportReason.OTHER, words="", reporter=None).case
    assert set(selectors.pictures_of(whole)) == {first, second}

    assigning.take(case, moderator)
    hide = deciding.decide(case, DecisionAction.HIDE, moderator, reason="as agreed", message="Not yours.")
    share.refresh_from_db()
    assert share.state == "hidden"
    with pytest.raises(Share.DoesNotExist):
        gate.live(token)
    deciding.undo(hide, moderator)
    assert gate.live(token) == share
