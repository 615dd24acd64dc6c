"""Password hashes: Argon2 with bounded memory, and older hashes that are replaced at the next sign-in."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.test import Client
from pytest_django import Settings

from accounts.hashers import AT_ONCE
from accounts.models import User
from bgplatform import settings as site
from tests.conftest import PASSWORD
from tests.waiting import until

OURS = "argon2$argon2id$v=19$m=19456,t=2,p=1$"


@pytest.fixture(autouse=True)
def _real_hashers(settings: Settings, _quick_passwords: None) -> None:
    settings.PASSWORD_HASHERS = site.PASSWORD_HASHERS


@pytest.mark.django_db
def test_a_new_password_is_argon2_with_the_recommended_parameters() -> None:
    user = User.objects.create_user("new@example.org", PASSWORD)
    assert user.password.startswith(OURS)
    assert user.check_password(PASSWORD)
    assert not user.check_password("another one")


@pytest.mark.django_db
@pytest.mark.usefixtures("valkey")
@pytest.mark.parametrize("before", ["pbkdf2_sha256", "Django's own Argon2"])
def test_an_older_hash_is_replaced_at_the_next_sign_in(before: str, user: User) -> None:
    old = (
        make_password(PASSWORD, hasher="pbkdf2_sha256")
        if before == "pbkdf2_sha256"
        else Argon2PasswordHasher().encode(PASSWORD, "asaltasaltasaltasalts1")
    )
    User.objects.filter(pk=user.pk).update(password=old)
    Client().post("/account/login/", {"login": user.email, "password": "wrong"})
    user.refresh_from_db()
    assert user.password == old
    client = Client()
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    user.refresh_from_db()
    assert user.password.startswith(OURS)
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize("act", ["encode", "verify"])
def test_a_bounded_number_of_hashes_is_computed_at_once(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 19 MiB: twenty sign-ins at once take 76 MiB."""
    lock, go, inside, most = Lock(), Event(), 0, 0

    def slow(*_: object) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        go.wait(30)
        with lock:
            inside -= 1
        return ""

    monkeypatch.setattr(Argon2PasswordHasher, act, slow)
    from accounts.hashers import Argon2Hasher

    with ThreadPoolExecutor(20) as pool:
        done = [pool.submit(getattr(Argon2Hasher(), act), "password", "salt") for _ in range(20)]
        until(lambda: inside == AT_ONCE, "all slots are taken")
        go.set()
    assert len([one.result() for one in done]) == 20
    assert most == AT_ONCE == 4


@pytest.mark.django_db
@pytest.mark.usefixtures("valkey")
def test_a_long_password_counts_to_its_last_character(user: User) -> None:
    long = "  ß ü 猫 " + "correct horse battery staple " * 5
    client = Client()
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    form = {"oldpassword": PASSWORD, "password1": long, "password2": long}
    assert client.post("/account/password/change/", form).status_code == 302
    for wrong in (long.strip(), long[:-1], long[:72], long.upper()):
        client = Client(REMOTE_ADDR=f"192.0.2.{len(wrong)}")
        client.post("/account/login/", {"login": user.email, "password": wrong})
        assert "_auth_user_id" not in client.session
    client = Client()
    client.post("/account/login/", {"login": user.email, "password": long})
    assert "_auth_user_id" in client.session


@pytest.mark.django_db
def test_password_fields_are_masked_and_known_to_password_managers() -> None:
    for page, autocomplete in (("login", "current-password"), ("signup", "new-password")):
        html = Client().get(f"/account/{page}/").content.decode()
        fields = re.findall(r'<input[^>]*name="password1?"[^>]*>', html)
        assert fields
        for field in fields:
            assert 'type="password"' in field
            assert f'autocomplete="{autocomplete}"' in field
            assert "onpaste" not in field
