"""Mails: every template in both forms, links, names, languages, and a mail server that is away."""

from __future__ import annotations

import re
import smtplib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import allauth
import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import get_template
from pytest_django import Settings

from common import mail

OURS = Path(__file__).parents[2] / "templates"
LIBRARY = Path(allauth.__file__).parent / "templates"
SITE = "https://cut.example.org"


def every_mail() -> list[str]:
    """Returns the name of every mail that this site may send: ours, and the library's."""
    found = {
        str(path.relative_to(folder)).removesuffix("_subject.txt")
        for folder in (OURS, LIBRARY)
        for path in folder.rglob("*_subject.txt")
    }
    return sorted(found)


CONTEXT: dict[str, Any] = {
    "user": SimpleNamespace(email="ada@example.org", language="en"),
    "email": "ada@example.org",
    "from_email": "old@example.org",
    "to_email": "new@example.org",
    "timestamp": datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    "ip": "192.0.2.1",
    "user_agent": "<script>alert(1)</script> https://evil.example/",
    "sign_in_address": f"{SITE}/account/login/",
    "sign_up_address": f"{SITE}/account/signup/",
    "reset_address": f"{SITE}/account/password/reset/",
    "password_reset_url": f"{SITE}/account/password/reset/key/1-abc/",
    "activate_url": f"{SITE}/account/confirm-email/abc/",
    "link": f"{SITE}/link/?a=1&b=2",
    "page": f"{SITE}/page/",
    "sign_up_open": True,
    "current_site": SimpleNamespace(name="Hello from the wrong name", domain="wrong.example"),
    "code": "123456",
    "url": "https://hooks.example.org/",
    "reason": "Shows <somebody> else.",
    "named": [("beach & sea.png", 1), ("two.png", 2)],
    "more": 3,
    "inviter": "Rita Root",
    "provider": "Example Corp",
    "days": 7,
}


def html_of(message: EmailMultiAlternatives) -> str:
    (alternative,) = message.alternatives
    assert alternative.mimetype == "text/html"
    return str(alternative.content)


@pytest.mark.parametrize("name", every_mail())
def test_every_mail_has_both_forms_in_our_design(name: str, settings: Settings) -> None:
    settings.SITE_URL = SITE
    message = mail.compose(name, "ada@example.org", CONTEXT)
    text, html = str(message.body), html_of(message)
    assert message.subject.startswith("[bgplatform] ")
    assert "\n" not in message.subject
    assert text.startswith("Hello,\n\n")
    assert text.endswith("\n\n-- \nbgplatform, https://cut.example.org/\n")
    assert "&lt;" not in text
    assert "&#x27;" not in text
    assert html.startswith('<!doctype html>\n<html lang="en-gb" dir="ltr">')
    assert f"<h1>{message.subject.removeprefix('[bgplatform] ')}</h1>".replace("'", "&#x27;") in html
    assert f'Sent by bgplatform, <a href="{SITE}/">' in html
    assert message.extra_headers == {"Auto-Submitted": "auto-generated"}
    for form in (text, html):
        assert "wrong" not in form
        assert "example.com" not in form
    assert "<script>" not in html
    assert "<p>Hello,</p>" in html
    # A mail loads nothing, and links only to this site.
    assert not re.search(r"<(img|link|script|iframe)\b", html)
    assert all(address.startswith(SITE) for address in re.findall(r'href="([^"]*)"', html))
    for address in re.findall(rf"^{SITE}\S+$", text, re.M):
        assert f'class="mail__button" href="{address.replace("&", "&amp;")}"' in html


def test_the_address_of_a_page_has_the_path_prefix_once(settings: Settings) -> None:
    settings.SITE_URL, settings.PATH_PREFIX = SITE, "/cutouts"
    assert mail.address("jobs:deleted") == f"{SITE}/cutouts/jobs/deleted/"


def test_words_of_a_person_are_no_link_and_no_markup(settings: Settings) -> None:
    settings.SITE_URL = SITE
    words = {**CONTEXT, "reason": "<b>bold</b>\n\nhttps://evil.example/\n\n- one\n- two"}
    message = mail.compose("mail/pictures_deleted", "ada@example.org", words)
    html = html_of(message)
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<p>https://evil.example/</p>" in html
    assert "<li>one</li><li>two</li>" in html
    assert "<li>beach &amp; sea.png: 1 picture</li><li>two.png: 2 pictures</li><li>and 3 more</li>" in html


def test_a_mail_is_in_the_language_of_its_reader() -> None:
    message = mail.compose("account/email/sign_up", "ada@example.org", CONTEXT, language="ar")
    assert '<html lang="ar" dir="rtl">' in html_of(message)


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_sent_after_the_commit_and_not_after_a_rollback() -> None:
    with transaction.atomic():
        mail.send("mail/webhook_off", "ada@example.org", CONTEXT)
        assert django_mail.outbox == []
    assert [message.to for message in django_mail.outbox] == [["ada@example.org"]]
    with transaction.atomic():
        mail.send("mail/webhook_off", "ada@example.org", CONTEXT)
        transaction.set_rollback(True)
    assert len(django_mail.outbox) == 1


@pytest.mark.parametrize("error", [ConnectionRefusedError("gone"), smtplib.SMTPServerDisconnected("gone")])
@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_away_is_only_logged(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    with transaction.atomic():
        mail.send("mail/webhook_off", "ada@example.org", CONTEXT)
    assert "the e-mail mail/webhook_off could not be sent: gone" in caplog.text
    assert "ada@example.org" not in caplog.text


def test_each_subject_has_its_message() -> None:
    for name in every_mail():
        assert get_template(f"{name}_message.txt")
