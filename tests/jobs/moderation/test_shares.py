"""Moderation of shares: what a moderator sees, and that a hidden one is closed until that is undone."""

from __future__ import annotations

import pytest

from accounts.models import User
from jobs.models import DecisionAction, ReportReason, Share
from jobs.moderation import selectors
from jobs.moderation.services import assigning, deciding, report
from jobs.selectors import shares as gate
from jobs.services import shares
from tests.conftest import make_job
from tests.jobs.factories import complete_all, pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


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
