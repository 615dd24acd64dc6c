"""Preparation before the processes start, and the greeting."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from accounts.models import User
from bgplatform.local import greet, prepare
from bgplatform.local.__main__ import address, environment
from bgplatform.local.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "var")


@pytest.mark.django_db
def test_without_users_an_administrator_is_created_and_saved(state: State) -> None:
    assert prepare.first_administrator(state) is True
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("admin@localhost", True, True)
    noted = re.fullmatch(r"e-mail    admin@localhost\npassword  (\S+)\n", state.sign_in.read_text())
    assert noted
    assert user.check_password(noted[1])
    assert stat.S_IMODE(state.sign_in.stat().st_mode) == 0o600


@pytest.mark.django_db
def test_with_a_user_no_administrator_is_created(state: State) -> None:
    User.objects.create_user("ada@example.org", "correct horse battery staple")
    assert prepare.first_administrator(state) is False
    assert not state.sign_in.exists()


def test_passwords_differ_and_have_no_look_alike_characters() -> None:
    first, second = prepare.new_password(), prepare.new_password()
    assert first != second
    assert re.fullmatch(r"[a-hj-km-np-z2-9]{4}(-[a-hj-km-np-z2-9]{4}){3}", first)


def test_static_files_are_collected_again_after_a_change(tmp_path: Path) -> None:
    folder, packages = tmp_path / "static", tmp_path / "requirements.txt"
    folder.mkdir()
    packages.write_text("django==5.2\n")
    sheet = folder / "site.css"
    sheet.write_text("a{}")
    os.utime(sheet, ns=(1, 1))
    first = prepare.static_fingerprint(folder, packages)
    assert prepare.static_fingerprint(folder, packages) == first
    os.utime(sheet, ns=(2, 2))
    second = prepare.static_fingerprint(folder, packages)
    packages.write_text("django==5.3\n")
    assert len({first, second, prepare.static_fingerprint(folder, packages)}) == 3


def test_the_password_is_shown_at_the_first_start_only(state: State) -> None:
    state.sign_in.write_text("e-mail    admin@localhost\npassword  abcd-efgh\n")
    first = greet.banner("http://127.0.0.1:8000/", state, first=True)
    later = greet.banner("http://127.0.0.1:8000/", state, first=False)
    assert "password  abcd-efgh" in first
    assert "abcd-efgh" not in later
    assert str(state.sign_in) in later
    assert all("http://127.0.0.1:8000/" in text and "Ctrl-C" in text for text in (first, later))
    assert len({len(line) for line in first.splitlines()}) == 1


def test_set_variables_stay_and_others_get_defaults(state: State) -> None:
    given = {"SECRET_KEY": "mine", "REDIS_URL": "redis://elsewhere:6379/0", "PATH": "/bin"}
    values, _ = environment(state, given)
    assert values["SECRET_KEY"] == "mine"
    assert values["REDIS_URL"] == "redis://elsewhere:6379/0"
    assert values["BGPLATFORM_STATE"] == str(state.folder)
    filled, _ = environment(state, {})
    assert filled["SECRET_KEY"] == state.secret_key()
    assert re.fullmatch(r"redis://:\S+@127\.0\.0\.1:\d+/0", filled["REDIS_URL"])


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://localhost:8000/"),  # noqa: S104  # a value, nothing listens
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(host: str, shown: str) -> None:
    assert address({"HOST": host, "PORT": "8000"}) == shown
