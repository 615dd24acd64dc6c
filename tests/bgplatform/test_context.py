"""What every template may know of the site."""

from __future__ import annotations

from django.test import RequestFactory
from pytest_django import Settings

from bgplatform.context import site


def test_templates_know_the_limits_and_whether_one_may_sign_up(
    rf: RequestFactory, settings: Settings
) -> None:
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
