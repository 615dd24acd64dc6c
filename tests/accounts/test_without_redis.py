"""Without Redis people can still sign in, view pages and submit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from jobs.models import Job, Picture
from tests.conftest import PASSWORD, make_picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    yield
    cache.own.clear()


def test_sign_in_works_without_redis(client: Client, user: User, redis_away: Away) -> None:
    with redis_away():
        response = client.post("/account/login/", {"login": user.email, "password": PASSWORD})
        assert (response.status_code, response["Location"]) == (302, "/")
        assert client.get("/").status_code == 200
        assert client.post("/account/logout/").status_code == 302


def test_a_wrong_password_is_still_a_wrong_password(client: Client, user: User, redis_away: Away) -> None:
    with redis_away():
        response = client.post("/account/login/", {"login": user.email, "password": "wrong"})
    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


def test_password_guessing_is_still_rate_limited(client: Client, user: User, redis_away: Away) -> None:
    with redis_away():
        for _ in range(5):
            client.post("/account/login/", {"login": user.email, "password": "wrong"})
        client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_a_job_is_accepted_and_queued(user: User, client_of: Any, redis_away: Away) -> None:
    client = client_of(user)
    with redis_away():
        response = client.post("/jobs/", {"pictures": SimpleUploadedFile("a.png", make_picture())})
        job = Job.objects.get()
        assert (response.status_code, response["Location"]) == (302, f"/jobs/{job.pk}/")
        for address in ("/", "/jobs/", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/cards/"):
            assert client.get(address).status_code == 200, address
        assert client.post(f"/jobs/{job.pk}/cancel/").status_code == 302
        assert client.post(f"/jobs/{job.pk}/retry/").status_code == 302
    picture = Picture.objects.get()
    assert (picture.state, picture.dispatched_at) == ("queued", None)


def test_a_job_is_deleted(user: User, client_of: Any, redis_away: Away) -> None:
    client = client_of(user)
    client.post("/jobs/", {"pictures": SimpleUploadedFile("a.png", make_picture())})
    with redis_away():
        assert client.post(f"/jobs/{Job.objects.get().pk}/delete/").status_code == 302
    assert not Job.objects.exists()
