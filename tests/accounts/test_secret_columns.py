"""Lists of the admin: whether a row is listed never answers a guess at a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Invitation, User
from accounts.services import tokens
from jobs.moderation import roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(make_user: Callable[..., User], client_of: Callable[[User], Client]) -> Client:
    """An administrator without the rights of a superuser."""
    made = make_user("office@example.org", is_staff=True)
    made.groups.add(Group.objects.get(name=roles.ADMINISTRATORS))
    return client_of(made)


def test_lists_cannot_be_filtered_by_a_secret(administrator: Client, user: User) -> None:
    UserSession.objects.create(user=user, ip="192.0.2.77", session_key="abc")
    tokens.create(user, "a program", ["read"])
    digest = ApiToken.objects.get().digest
    Invitation.objects.create(
        email="new@example.org", digest="d" * 64, expires_at=timezone.now() + timedelta(days=1)
    )
    for path, lookup, guess in (
        ("usersessions/usersession", "session_key__startswith", "a"),
        ("usersessions/usersession", "session_key__gte", "a"),
        ("usersessions/usersession", "user__password__startswith", "m"),
        ("accounts/apitoken", "digest__startswith", digest[0]),
        ("accounts/apitoken", "user__password__startswith", "m"),
        ("accounts/invitation", "digest", "d" * 64),
    ):
        # Django leads to the list without the filter, or answers 400: the same for a right and a wrong guess.
        right = administrator.get(f"/admin/{path}/", {lookup: guess})
        wrong = administrator.get(f"/admin/{path}/", {lookup: "zzz"})
        assert (right.status_code, right.content) == (wrong.status_code, wrong.content), lookup
        assert right.status_code in {302, 400}, lookup


def test_an_administrator_does_not_erase_or_export_a_superuser(
    administrator: Client, make_user: Callable[..., User]
) -> None:
    root = make_user("root@example.org", is_staff=True, is_superuser=True)
    make_user("root2@example.org", is_staff=True, is_superuser=True)
    address = f"/admin/accounts/user/{root.pk}/data/"
    fields = {"act": "at_once", "reason": "because", "typed": root.email}
    assert administrator.get(address).status_code == 403
    assert administrator.post(address, fields).status_code == 403
    root.refresh_from_db()
    assert root.is_active
