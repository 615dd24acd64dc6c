"""Who may give roles in the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db


def change(browser: Client, person: User, **fields: object) -> int:
    """Sends the form of a person's account. Returns the status."""
    form = {"email": person.email, "is_active": "on", **fields}
    return browser.post(reverse("admin:accounts_user_change", args=[person.pk]), form).status_code


@pytest.fixture
def administrator(make_user: Callable[..., User], client_of: Callable[[User], Client]) -> Client:
    """The browser of a member of the group Administrators."""
    made = make_user(is_staff=True)
    made.groups.add(Group.objects.get(name="Administrators"))
    return client_of(made)


def test_an_administrator_gives_roles_but_makes_no_superuser(administrator: Client, user: User) -> None:
    group = Group.objects.get(name="Moderators")
    assert change(administrator, user, is_staff="on", is_superuser="on", groups=[group.pk]) == 302
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser, list(user.groups.all())) == (True, False, [group])


def test_an_administrator_cannot_change_a_superuser(
    administrator: Client, make_user: Callable[..., User]
) -> None:
    root = make_user("root@example.org", is_staff=True, is_superuser=True)
    assert change(administrator, root, name="Mallory") == 403
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert administrator.post(password, {"password1": "x", "password2": "x"}).status_code == 403
    before = root.password
    root.refresh_from_db()
    assert (root.name, root.password) == ("", before)


def test_who_may_only_change_users_gives_no_role(
    make_user: Callable[..., User], client_of: Callable[[User], Client], user: User
) -> None:
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    group = Group.objects.get(name="Administrators")
    assert change(client_of(clerk), user, name="Ada", is_staff="on", groups=[group.pk]) == 302
    user.refresh_from_db()
    assert (user.name, user.is_staff, user.groups.count()) == ("Ada", False, 0)
