"""The template context processor."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from bgplatform.context_processors import site


def test_templates_get_the_limits_and_whether_sign_up_is_open(rf: RequestFactory, settings: Settings) -> None:
    settings.SIGN_UP = "closed"
    settings.MAX_PICTURE_BYTES, settings.MAX_PICTURE_PIXELS, settings.MAX_JOB_PICTURES = 1, 2, 3
    known = site(rf.get("/"))
    assert known["sign_up_open"] is False
    assert (known["max_picture_bytes"], known["max_picture_pixels"], known["max_job_pictures"]) == (1, 2, 3)
    assert known["site_name"] == "bgplatform"
    settings.SIGN_UP = "open"
    assert site(rf.get("/"))["sign_up_open"] is True


def test_no_secret_reaches_a_template(rf: RequestFactory, settings: Settings) -> None:
    assert settings.SECRET_KEY not in map(str, site(rf.get("/")).values())
    assert settings.REDIS_URL not in map(str, site(rf.get("/")).values())


@pytest.mark.parametrize("page", ["/account/password/reset/done/", "/account/confirm-email/"])
def test_pages_tell_where_to_find_the_message(client: Client, settings: Settings, page: str) -> None:
    said = "It prints its messages to the server"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert said not in client.get(page).content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert said in client.get(page).content.decode()
