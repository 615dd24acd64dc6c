"""The roles of staff: what moderators and administrators may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import User
from jobs.moderation import roles

pytestmark = pytest.mark.django_db


def test_moderators_may_do_everything_with_cases_and_nothing_else() -> None:
    rows = Permission.objects.filter(group__name=roles.MODERATORS)
    names = set(rows.values_list("codename", flat=True))
    assert names == set(roles.OF_MODERATORS)
    assert not {name for name in names if "user" in name or "plan" in name or "token" in name}


def test_administrators_may_do_everything_in_the_administration() -> None:
    group = Group.objects.get(name=roles.ADMINISTRATORS)
    assert set(group.permissions.all()) == set(Permission.objects.all())


def test_a_moderator_has_no_right_on_users(moderator: User) -> None:
    assert moderator.has_perm("jobs.decide_ban")
    assert not moderator.has_perm("accounts.change_user")
    assert not moderator.has_perm("accounts.change_plan")
