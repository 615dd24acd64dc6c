"""A suspension stops the account's work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from accounts.services import suspension
from jobs.models import Job
from jobs.moderation.services import stopping
from jobs.services import lines
from tests.jobs.factories import bare_job, pictures_of, states_of


@pytest.mark.django_db(transaction=True)
def test_queued_and_running_work_is_cancelled_with_the_suspension(user: User, stranger: User, valkey) -> None:  # type: ignore[no-untyped-def]
    job, other = bare_job(user, 2), bare_job(stranger)
    assert lines.PICTURES.claim(pictures_of(job)[0].pk) is not None
    suspension.suspend(user, until=None, reason="spam")
    assert states_of(job) == ["cancelled", "cancelled"]
    assert states_of(other) == ["queued"]
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


@pytest.mark.django_db
def test_the_scheduler_cancels_what_was_left(user: User, stranger: User, valkey) -> None:  # type: ignore[no-untyped-def]
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(suspended_at=now, suspended_until=now + timedelta(days=1))
    User.objects.filter(pk=stranger.pk).update(suspended_at=now - timedelta(days=2), suspended_until=now)
    job, other = bare_job(user), bare_job(stranger)
    call_command("dispatch", once=True)
    assert (states_of(job), states_of(other)) == (["cancelled"], ["queued"])
    assert stopping.sweep() == 0
