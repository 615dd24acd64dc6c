"""The page "Profile": the name shown, the language, the time zone, and what pages make of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from accounts import time_zones
from accounts.middleware import PreferencesMiddleware
from accounts.models import AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
PROFILE = "/account/profile/"
SignIn = Callable[[User], Client]


def test_people_choose_name_language_and_time_zone(user: User, client_of: SignIn) -> None:
    client = client_of(user)
    chosen = {"name": " Ada\u202e  Lovelace\n", "language": "en-gb", "time_zone": "Asia/Kolkata"}
    assert client.post(PROFILE, chosen)["Location"] == PROFILE
    user.refresh_from_db()
    assert (user.name, user.language, user.time_zone) == ("Ada Lovelace", "en-gb", "Asia/Kolkata")
    page = client.get(PROFILE).content.decode()
    assert "Signed in as Ada Lovelace, ada@example.org" in page
    assert "in Asia/Kolkata." in page
    assert '<html lang="en-gb"' in page
    assert client.get("/api/v1/account/").json()["time_zone"] == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("field", "value"), [("language", "tlh"), ("time_zone", "Europe/Atlantis"), ("name", "x" * 151)]
)
def test_unknown_values_are_refused(user: User, client_of: SignIn, field: str, value: str) -> None:
    chosen = {"name": "Ada", "language": "", "time_zone": "", field: value}
    assert client_of(user).post(PROFILE, chosen).status_code == 400
    user.refresh_from_db()
    assert (user.name, user.language, user.time_zone) == ("", "", "")


def test_dates_appear_in_the_persons_time_zone(user: User, stranger: User, client_of: SignIn) -> None:
    at = datetime(2026, 1, 2, 22, 30, tzinfo=UTC)
    User.objects.filter(pk=user.pk).update(time_zone="Asia/Tokyo")
    for owner in (user, stranger):
        AuditEntry.objects.create(action="signed_in", subject=owner.pk, actor=owner.pk, at=at)
    assert "3 Jan 2026, 07:30" in client_of(user).get(reverse("accounts:activity")).content.decode()
    page = client_of(stranger).get(reverse("accounts:activity")).content.decode()
    assert "2 Jan 2026, 22:30" in page, "the next request is not in the zone of the one before"


def test_the_persons_language_is_active_during_the_request_only(
    user: User, settings: Settings, rf: RequestFactory
) -> None:
    settings.LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
    user.language = "de"
    seen = []
    middleware = PreferencesMiddleware(lambda request: seen.append(translation.get_language()))  # type: ignore[arg-type,return-value]
    request = rf.get("/")
    request.user = user
    with translation.override("en-gb"):
        middleware(request)
        request.COOKIES[settings.SESSION_COOKIE_NAME] = "any"
        middleware(request)
    assert seen == ["en-gb", "de"], "without a session nobody is asked for"


def test_a_zone_that_is_gone_is_the_sites(user: User, client_of: SignIn) -> None:
    """The database of time zones changes with the system."""
    User.objects.filter(pk=user.pk).update(time_zone="Europe/Gone", language="xx")
    page = client_of(user).get(PROFILE)
    assert (page.status_code, "in UTC." in page.content.decode()) == (200, True)
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_offered_zones_are_zones_and_each_stands_once() -> None:
    names = [name for _region, group in time_zones.offered() for name in group]
    assert len(names) == len(set(names)) > 400
    assert set(names) <= time_zones.all_names()
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(names)


def test_browsers_that_ask_for_another_language_get_the_sites(client: Client) -> None:
    for asked in ("en-US,en;q=0.9", "de", ""):
        answer = client.get("/account/login/", headers={"Accept-Language": asked})
        assert re.findall(r'<html lang="([^"]+)"', answer.content.decode()) == ["en-gb"]
