"""Rate limits and quotas: RateLimit headers, 429 and Retry-After."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from jobs.api import errors
from jobs.errors import TooManyError
from jobs.models import Job
from tests.conftest import make_upload
from tests.jobs.api.program import Program

pytestmark = pytest.mark.django_db


def test_headers_show_the_remaining_requests(program: Program, settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 2
    with time_machine.travel("2026-11-22T12:00:40Z", tick=False):
        answers = [program.get("presets/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["RateLimit"] for answer in answers] == [f'"requests";r={left};t=20' for left in (1, 0, 0)]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"requests";q=2;w=60'}
    refused = answers[2]
    assert (refused["Retry-After"], refused.json()["code"]) == ("20", "too_many_requests")
    with time_machine.travel("2026-11-22T12:01:00Z", tick=False):
        assert program.get("presets/").status_code == 200


def test_one_rate_limit_per_account(program: Program, user: User, stranger: User, settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 1
    with time_machine.travel("2026-11-22T12:00:40Z", tick=False):
        assert program.get("presets/").status_code == 200
        assert Program(user).get("presets/").status_code == 429
        assert Program(stranger).get("presets/").status_code == 200


def test_without_redis_there_is_no_rate_limit(
    program: Program, redis_away: Callable[[], AbstractContextManager[None]]
) -> None:
    with redis_away():
        answer = program.get("presets/")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


def test_an_exhausted_quota(program: Program, user: User) -> None:
    User.objects.filter(pk=user.pk).update(pictures_month=1)
    first, second = (str(make_upload(user).pk) for _ in range(2))
    made = program.post("jobs/", {"uploads": [first]})
    assert made.status_code == 201
    assert re.search(r'"pictures";r=0;t=\d+$', made["RateLimit"])
    assert re.search(r'"pictures";q=1;w=\d+$', made["RateLimit-Policy"])
    refused = program.post("jobs/", {"uploads": [second]})
    assert (refused.status_code, refused.json()["code"]) == (429, "pictures_used_up")
    assert int(refused["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("limit", "code", "seconds"),
    [("in_flight", "too_many_in_flight", "5"), ("storage_bytes", "storage_full", "3600")],
)
def test_retry_after_is_set_even_without_an_exact_time(
    program: Program, user: User, limit: str, code: str, seconds: str
) -> None:
    sent = [str(make_upload(user).pk) for _ in range(2)]
    User.objects.filter(pk=user.pk).update(**{limit: 1})
    if code == "storage_full":
        refused = program.post("uploads/", {"name": "a.png", "size": 9})
    else:
        refused = program.post("jobs/", {"uploads": sent})
    assert (refused.status_code, refused.json()["code"]) == (429, code)
    assert refused["Retry-After"] == seconds
    assert not Job.objects.exists()


@pytest.mark.parametrize(("code", "seconds"), [("too_many_waiting", "5"), ("too_many_uploads", "3600")])
def test_too_many_objects_get_a_retry_after(code: str, seconds: str) -> None:
    refused = errors.answer(TooManyError(code, "Too many."), {})
    assert refused is not None
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, seconds)
