"""Every URL of the administration × visitor, user, moderator, administrator, and administrator without a
second factor, by GET and by POST. The URLs come from the resolver, so a new one is here at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from tests.access.addresses import all_of_them
from tests.access.table import ADMIN, ADMINISTRATION, SIGN_IN, Answer
from tests.access.test_matrix import OPEN_TO_CLERKS, address_of, things  # noqa: F401  # a fixture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
METHODS: Final = ("get", "post")
FACTORS: Final = "to the page of second factors"
# What staff without any permission may open: their own session and password, and empty lists.
OPEN_TO_ALL_STAFF: Final = OPEN_TO_CLERKS
# What moderators may open besides: the cases, what belongs to one, and the list of refused pictures.
OF_MODERATORS: Final = ("admin:jobs_case", "admin:jobs_refusedpicture")
# The site's own form for signing in and out decide for themselves.
DOORS: Final = frozenset({"admin:login", "admin:logout"})


def admin_urls() -> list[str]:
    """Returns the names of all URLs below /admin/, without the redirects of old links."""
    found = (name for name in all_of_them() if name.startswith(("admin:", "admin/")))
    names = (name for name in found if not name.endswith("<path:object_id>/"))
    # Signing out is last: after it a browser gets nothing.
    return sorted(names, key=lambda name: (name == "admin:logout", name))


def answer_of(client: Client, method: str, address: str) -> Answer:
    """Returns the status, or where the answer leads."""
    response = getattr(client, method)(address)
    where = response.headers.get("Location", "")
    for page, words in ((reverse("admin:login"), ADMIN), (reverse("account_login"), SIGN_IN)):
        if where.startswith(page):
            return words
    return FACTORS if where == reverse("mfa_index") else int(response.status_code)


def row_counts() -> dict[str, int]:
    """Returns how many rows each table has. Sessions, and what the audit log notes of refusals, may come."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.label not in {"sessions.Session", "usersessions.UserSession"}
        and not model._meta.label.startswith("accounts.Audit")
    }


@contextmanager
def undone() -> Iterator[None]:
    """Undo what one request changed, so that the next one finds the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def staff_of(
    make_user: Callable[..., User], client_of: Callable[[User], Client], settings: Settings
) -> Callable[..., Client]:
    """Returns a browser of a member of staff in a group, while staff need a second factor."""
    settings.STAFF_MFA = True

    def signed_in(group: str, *, factor: bool = True) -> Client:
        person = make_user(is_staff=True)
        person.groups.add(Group.objects.get(name=group))
        if factor:
            Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
        return client_of(person)

    return signed_in


def answers(client: Client, things: dict[str, Any]) -> dict[tuple[str, str], Answer]:  # noqa: F811
    """Returns a browser's answer of every URL by every method. A refused request changes nothing."""
    found: dict[tuple[str, str], Answer] = {}
    before = row_counts()
    for name in admin_urls():
        address = address_of(name, things)
        for method in METHODS:
            with undone():
                answer = answer_of(client, method, address)
                if method == "post" and answer not in {200, 302}:
                    assert row_counts() == before, (name, method)
            found[name, method] = answer
    return found


@pytest.mark.parametrize("who", ["visitor", "user"])
def test_who_is_no_staff_gets_nowhere(
    who: str,
    stranger: User,
    client_of: Callable[[User], Client],
    things: dict[str, Any],  # noqa: F811
) -> None:
    client = Client() if who == "visitor" else client_of(stranger)
    found = answers(client, things)
    assert {key: one for key, one in found.items() if one != ADMIN and key[0] not in DOORS} == {}


def test_an_administrator_without_a_second_factor_must_add_one(
    staff_of: Callable[..., Client],
    things: dict[str, Any],  # noqa: F811
) -> None:
    found = answers(staff_of("Administrators", factor=False), things)
    closed = {key: one for key, one in found.items() if key[0] not in DOORS | {"admin:jsi18n"}}
    assert {key: one for key, one in closed.items() if one != FACTORS} == {}


def test_a_moderator_opens_cases_and_nothing_else(
    staff_of: Callable[..., Client],
    things: dict[str, Any],  # noqa: F811
) -> None:
    found = answers(staff_of("Moderators"), things)
    refused = {key for key, one in found.items() if one in {403, 404, 405}}
    opened = {key[0] for key in found.keys() - refused}
    of_theirs = {name for name in opened if name.startswith(OF_MODERATORS)}
    assert opened - of_theirs - OPEN_TO_ALL_STAFF - {"admin:app_list"} == set()
    assert {"admin:jobs_case_changelist", "admin:jobs_case_change", "admin:jobs_case_decide"} <= of_theirs


def test_an_administrator_opens_what_a_superuser_opens(
    staff_of: Callable[..., Client],
    things: dict[str, Any],  # noqa: F811
) -> None:
    found = answers(staff_of("Administrators"), things)
    wrong = {
        name: (found[name, row.method], row.staff)
        for name, row in ADMINISTRATION.items()
        if found[name, row.method] != row.staff
    }
    assert wrong == {}
    assert set(found.values()) <= {200, 302, 400, 403, 404, 405, 409, 422}, "no request fails"
