"""Every URL of the admin × moderator, administrator, administrator without a second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from accounts.staff_factor import OPEN
from jobs.moderation import roles
from tests.access.table import ADMINISTRATION
from tests.access.test_matrix import OPEN_TO_CLERKS, SignIn, address_of, got, things

__all__ = ["things"]  # a fixture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]

OF_MODERATORS = OPEN_TO_CLERKS | {
    "admin:app_list",
    *(name for name in ADMINISTRATION if name.startswith("admin:jobs_case_")),
    *(f"admin:jobs_refusedpicture_{page}" for page in ("changelist", "change", "history", "add")),
}


@pytest.fixture
def browser_of(make_user: Callable[..., User], client_of: SignIn) -> Callable[[str], Client]:
    """A browser of a member of a group."""

    def make(group: str) -> Client:
        made = make_user(is_staff=True)
        made.groups.add(Group.objects.get(name=group))
        return client_of(made)

    return make


def test_moderators_get_cases_and_refused_pictures_only(
    browser_of: Callable[[str], Client], things: dict[str, Any]
) -> None:
    for name, row in ADMINISTRATION.items():
        # A fresh browser for each: one of the addresses signs out.
        status = got(browser_of(roles.MODERATORS), row, address_of(name, things))
        if name in OF_MODERATORS:
            assert status == row.staff, name
        else:
            assert status in {403, 404}, name


def test_administrators_get_all_of_the_administration(
    browser_of: Callable[[str], Client], things: dict[str, Any]
) -> None:
    for name, row in ADMINISTRATION.items():
        assert got(browser_of(roles.ADMINISTRATORS), row, address_of(name, things)) == row.staff, name


def test_administrators_without_a_second_factor_get_nothing_where_one_is_demanded(
    browser_of: Callable[[str], Client], things: dict[str, Any], settings: LazySettings
) -> None:
    settings.STAFF_MFA = True
    for name, row in ADMINISTRATION.items():
        if name in OPEN:
            continue
        answer = getattr(browser_of(roles.ADMINISTRATORS), row.method)(address_of(name, things))
        assert answer.status_code in {302, 403}, name
        assert answer.headers.get("Location", "/account/").startswith("/account/"), name
