"""Database constraints of invitations, suspensions and erasures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import Invitation, User

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def refused(rows: models.QuerySet[Any], constraint: str, **facts: object) -> None:
    """Asserts that this update violates the constraint and changes nothing."""
    before = list(rows.values())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        rows.update(**facts)
    assert list(rows.values()) == before


def invited(digest: str, **facts: object) -> Invitation:
    values = {"email": "new@example.org", "expires_at": NOW + timedelta(days=7), **facts}
    return Invitation.objects.create(digest=digest, **values)


def test_an_address_has_one_unanswered_invitation() -> None:
    invited("1", revoked_at=NOW)
    invited("2", accepted_at=NOW)
    invited("3")
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        invited("4")
    assert Invitation.objects.count() == 3


def test_an_invitation_is_accepted_or_revoked() -> None:
    row = invited("1", accepted_at=NOW)
    refused(Invitation.objects.filter(pk=row.pk), "invitation_accepted_or_revoked", revoked_at=NOW)


def test_a_suspension_that_ends_has_begun(user: User) -> None:
    refused(User.objects.filter(pk=user.pk), "user_suspension_has_start", suspended_until=NOW)
