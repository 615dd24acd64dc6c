"""The well-known URLs."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db
SECURITY = "/.well-known/security.txt"


def test_without_a_contact_there_is_no_security_txt(settings: Settings) -> None:
    settings.SECURITY_CONTACT = ""
    assert Client().get(SECURITY).status_code == 404


@time_machine.travel(datetime(2026, 3, 1, 15, 30, tzinfo=UTC), tick=False)
def test_security_txt_names_the_contact_and_a_date_within_a_year(settings: Settings) -> None:
    settings.SECURITY_CONTACT, settings.SITE_URL = "mailto:security@example.org", "https://cut.example.org"
    answer = Client().get(SECURITY)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content.decode() == (
        "Contact: mailto:security@example.org\n"
        "Expires: 2026-08-28T00:00:00Z\n"
        "Preferred-Languages: en\n"
        "Canonical: https://cut.example.org/.well-known/security.txt\n"
    )
    assert re.search(r"public", answer["Cache-Control"])


def test_without_a_site_url_there_is_no_canonical_address(settings: Settings) -> None:
    """The address would come from the request's Host header."""
    settings.SECURITY_CONTACT, settings.SITE_URL = "https://example.org/security", ""
    assert "Canonical" not in Client().get(SECURITY).content.decode()


def test_a_password_manager_finds_the_page_for_changing_the_password() -> None:
    answer = Client().get("/.well-known/change-password")
    assert (answer.status_code, answer["Location"]) == (302, "/account/password/change/")
