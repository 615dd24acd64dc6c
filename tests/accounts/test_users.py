"""A user is an e-mail address with a password."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_an_address_is_kept_in_lower_case(make_user: Callable[..., User]) -> None:
    user = make_user("Ada.Lovelace@Example.ORG")
    assert (user.email, str(user)) == ("ada.lovelace@example.org", "ada.lovelace@example.org")
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)
    assert user.check_password(PASSWORD)
    assert User.objects.get_by_natural_key("ADA.lovelace@example.org") == user


def test_there_is_no_user_name() -> None:
    assert User.USERNAME_FIELD == "email"
    assert User.REQUIRED_FIELDS == []
    assert not {"username", "first_name", "last_name"} & {field.name for field in User._meta.get_fields()}


@pytest.mark.parametrize("email", ["", None])
def test_a_user_needs_an_address(email: str | None) -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user(email)  # type: ignore[arg-type]
    assert not User.objects.exists()


def test_without_a_password_nobody_signs_in(rf: RequestFactory) -> None:
    user = User.objects.create_user("ada@example.org")
    assert not user.has_usable_password()
    assert authenticate(rf.post("/"), email="ada@example.org", password="") is None


@pytest.mark.parametrize("other", ["ada@example.org", "ADA@example.org", "Ada@Example.Org"])
def test_an_address_is_unique_regardless_of_case(user: User, other: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(other, PASSWORD)
    with pytest.raises(IntegrityError), transaction.atomic():
        User(email=other).save()
    assert User.objects.count() == 1


def test_a_form_that_fills_a_user_keeps_the_address_in_lower_case_too() -> None:
    """The admin's form does not use the manager."""
    user = User(email="Ada@Example.org")
    user.set_unusable_password()
    user.full_clean()
    assert user.email == "ada@example.org"


def test_the_manager_creates_an_administrator() -> None:
    user = User.objects.create_superuser("Root@Example.org", PASSWORD)
    assert (user.email, user.is_staff, user.is_superuser) == ("root@example.org", True, True)


def test_the_command_creates_an_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email="root@example.org", interactive=False, stdout=StringIO())
    user = User.objects.get()
    assert (user.email, user.is_superuser, user.check_password(PASSWORD)) == ("root@example.org", True, True)
    with pytest.raises(CommandError, match="already"):
        call_command("createsuperuser", email="root@example.org", interactive=False, stderr=StringIO())


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG"])
def test_sign_in_ignores_the_case_of_the_address(user: User, rf: RequestFactory, email: str) -> None:
    assert authenticate(rf.post("/"), email=email, password=PASSWORD) == user
    assert authenticate(rf.post("/"), email=email, password=PASSWORD + "x") is None


def test_a_closed_account_does_not_sign_in(user: User, rf: RequestFactory) -> None:
    user.is_active = False
    user.save()
    found = authenticate(rf.post("/"), email=user.email, password=PASSWORD)
    assert found is None or not found.is_active
