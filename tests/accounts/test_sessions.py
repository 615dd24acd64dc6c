"""Where a person is signed in, and ending sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts import last_seen
from accounts.devices import device
from accounts.models import AuditEntry, User
from accounts.services import sessions
from accounts.session_selectors import sessions_of
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
LIST = "/account/sessions/"


def signed_in(user: User, user_agent: str) -> Client:
    client = Client(headers={"User-Agent": user_agent})
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    return client


@pytest.fixture
def two(user: User) -> tuple[Client, Client]:
    """Two sessions of the user: Firefox, then an iPhone."""
    return signed_in(user, FIREFOX), signed_in(user, SAFARI)


def shown(client: Client) -> list[tuple[str, bool]]:
    return [(one.device, one.is_current) for one in client.get(LIST).context["sessions"]]


def number_of(client: Client) -> int:
    number: int = UserSession.objects.get(session_key=client.session.session_key).pk
    return number


def test_each_session_is_shown_with_its_device(two: tuple[Client, Client]) -> None:
    here, _there = two
    assert shown(here) == [("Firefox on Linux", True), ("Safari on iPhone", False)]
    page = here.get(LIST).content.decode()
    assert "127.0.0.1" in page
    assert here.session.session_key not in page


def test_one_session_is_ended(
    two: tuple[Client, Client], user: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    here, there = two
    key, told = there.session.session_key, []
    sessions.on_session_end(told.append)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            here.post(reverse("accounts:session_end", args=[number_of(there)]))
    finally:
        sessions._listeners.remove(told.append)
    assert there.get("/jobs/").status_code == 302
    assert here.get("/jobs/").status_code == 200
    assert shown(here) == [("Firefox on Linux", True)]
    assert told == [user.pk]
    assert not sessions.is_alive(key or "", user.pk)
    assert AuditEntry.objects.get(action="session_ended").facts == {"count": 1}


def test_all_others_are_ended(two: tuple[Client, Client], user: User, stranger: User) -> None:
    here, there = two
    eve = signed_in(stranger, FIREFOX)
    third = signed_in(user, SAFARI)
    here.post(reverse("accounts:sessions_end_others"))
    assert [client.get("/jobs/").status_code for client in (here, there, third, eve)] == [200, 302, 302, 200]
    assert AuditEntry.objects.get(action="session_ended").facts == {"count": 2}


def test_nobody_ends_the_own_session_or_one_of_others(two: tuple[Client, Client], stranger: User) -> None:
    here, _there = two
    eve = signed_in(stranger, FIREFOX)
    for number in (number_of(here), number_of(eve), 10**15):
        assert here.post(reverse("accounts:session_end", args=[number])).status_code == 404
    assert eve.get("/jobs/").status_code == here.get("/jobs/").status_code == 200
    assert not AuditEntry.objects.filter(action="session_ended").exists()


def test_dead_sessions_are_not_shown(two: tuple[Client, Client], user: User) -> None:
    here, there = two
    Session.objects.filter(session_key=there.session.session_key).delete()
    assert shown(here) == [("Firefox on Linux", True)]
    user.set_password("another password, quite long")
    user.save()
    assert sessions_of(user, current="") == []


def test_a_sign_in_removes_dead_sessions_from_the_list(two: tuple[Client, Client], user: User) -> None:
    here, there = two
    Session.objects.filter(session_key=there.session.session_key).delete()
    signed_in(user, SAFARI)
    assert UserSession.objects.count() == 2
    assert here.get("/jobs/").status_code == 200


def test_signing_out_removes_it_from_the_list(two: tuple[Client, Client]) -> None:
    _here, there = two
    there.post("/account/logout/")
    assert UserSession.objects.count() == 1


def test_the_list_needs_two_queries(user: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(5):
        signed_in(user, FIREFOX)
    with django_assert_num_queries(2):
        assert len(sessions_of(user, current="")) == 5


@pytest.fixture
def forgetful() -> Iterator[None]:
    """The process as after a start: it remembers no session."""
    last_seen._written.clear()
    yield
    last_seen._written.clear()


@pytest.mark.usefixtures("forgetful")
def test_a_use_is_written_down_once_in_five_minutes(
    user: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(last_seen, "monotonic", lambda: now[0])
    client = client_of(user)
    assert not UserSession.objects.exists()
    now[0] += 301
    client.get("/jobs/")
    first = UserSession.objects.get().last_seen_at
    now[0] += 299
    client.get("/jobs/")
    assert UserSession.objects.get().last_seen_at == first
    now[0] += 1
    client.get("/jobs/")
    assert UserSession.objects.get().last_seen_at > first


def test_devices_in_words() -> None:
    words = {
        FIREFOX: "Firefox on Linux",
        SAFARI: "Safari on iPhone",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
        "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36": "Chrome on Android",
        "curl/8.5.0": "curl",
        "": "An unknown device",
    }
    assert {agent: device(agent) for agent in words} == words
