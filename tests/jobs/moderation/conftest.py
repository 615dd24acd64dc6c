"""Fixtures of moderation: moderators, and cases about pictures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import User
from jobs.models import Case, FlagKind, Picture
from jobs.moderation import roles
from jobs.moderation.services import flag
from tests.jobs.factories import bare_job, pictures_of


@pytest.fixture
def moderator(make_user: Callable[..., User]) -> User:
    """A moderator."""
    made = make_user("mod@example.org", is_staff=True)
    made.groups.add(Group.objects.get(name=roles.MODERATORS))
    return made


@pytest.fixture
def other_moderator(make_user: Callable[..., User]) -> User:
    """Another moderator."""
    made = make_user("mod2@example.org", is_staff=True)
    made.groups.add(Group.objects.get(name=roles.MODERATORS))
    return made


@pytest.fixture
def without(make_user: Callable[..., User]) -> Callable[[str], User]:
    """A member of staff with all permissions of a moderator but one."""

    def make(codename: str) -> User:
        made = make_user(is_staff=True)
        made.user_permissions.set(
            Permission.objects.filter(group__name=roles.MODERATORS).exclude(codename=codename)
        )
        return made

    return make


@pytest.fixture
def picture(user: User) -> Picture:
    """A picture of the user."""
    (made,) = pictures_of(bare_job(user))
    return made


@pytest.fixture
def case(user: User, picture: Picture) -> Case:
    """The open case of the picture."""
    made = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=picture, score=0.9)
    assert made is not None
    return made.case
