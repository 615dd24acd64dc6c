"""Suspension: sessions end, tokens are refused but kept, staff cannot be suspended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.errors import SuspensionRefusedError, TokenRefusedError
from accounts.models import AuditEntry, User
from accounts.services import suspension, tokens

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_suspended_account_has_no_session(user: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(user)
    assert client.get("/jobs/").status_code == 200
    suspension.suspend(user, until=timezone.now() + DAY, reason="spam")
    assert client.get("/jobs/").status_code == 302
    entry = AuditEntry.objects.get(action="suspended")
    assert (entry.subject, entry.reason) == (user.pk, "spam")


def test_tokens_are_refused_and_work_again_after_lifting(user: User) -> None:
    token, secret = tokens.create(user, "laptop", ["read"])
    suspension.suspend(user, until=None, reason="spam")
    with pytest.raises(TokenRefusedError) as refused:
        tokens.authenticate(secret, "")
    assert (refused.value.code, refused.value.status) == ("account_suspended", 403)
    assert suspension.lift(user)
    assert not suspension.lift(user)
    assert tokens.authenticate(secret, "") == token
    assert AuditEntry.objects.filter(action="suspension_lifted").count() == 1


def test_a_suspension_ends_by_itself(user: User, client_of: Callable[[User], Client]) -> None:
    suspension.suspend(user, until=timezone.now() + DAY, reason="spam")
    User.objects.update(suspended_until=timezone.now() - DAY)
    user.refresh_from_db()
    assert not user.is_suspended
    assert client_of(user).get("/jobs/").status_code == 200
    assert not User.objects.filter(suspension.in_force()).exists()


@pytest.mark.parametrize("role", ["is_staff", "is_superuser"])
def test_staff_cannot_be_suspended(make_user: Callable[..., User], role: str) -> None:
    member = make_user(**{role: True})
    with pytest.raises(SuspensionRefusedError) as refused:
        suspension.suspend(member, until=None, reason="")
    assert refused.value.code == "staff_account"
    member.refresh_from_db()
    assert member.suspended_at is None
    assert not AuditEntry.objects.filter(action="suspended").exists()


def test_an_end_in_the_past_is_refused(user: User) -> None:
    with pytest.raises(SuspensionRefusedError) as refused:
        suspension.suspend(user, until=timezone.now() - DAY, reason="")
    assert refused.value.code == "end_has_passed"
    user.refresh_from_db()
    assert user.suspended_at is None
