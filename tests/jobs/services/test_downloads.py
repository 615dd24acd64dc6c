"""The first download of a result is recorded by every door, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from jobs import clock, storage
from jobs.models import Job, Picture
from jobs.services import downloads, shares
from tests.conftest import make_job
from tests.jobs.api.program import Program
from tests.jobs.at_once import at_once
from tests.jobs.factories import complete, complete_all, pictures_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SignIn = Callable[[User], Client]


@pytest.fixture
def job(user: User) -> Job:
    return complete_all(make_job(user, 2))


def downloaded(job: Job) -> list[bool]:
    rows = Picture.objects.filter(job=job).order_by("position").values_list("downloaded_at", flat=True)
    return [at is not None for at in rows]


@pytest.mark.parametrize("door", ["result", "zip", "selected", "api", "api rendition", "api zip"])
def test_each_door_records_it_once(
    door: str, user: User, client_of: SignIn, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pictures_of(job)[0]
    rendition = first.renditions.get()
    page, program = client_of(user), Program(user)
    doors: dict[str, tuple[Callable[[], Any], list[bool]]] = {
        "result": (lambda: page.get(reverse("jobs:result", args=[first.pk])), [True, False]),
        "zip": (lambda: page.get(reverse("jobs:zip", args=[job.pk])), [True, True]),
        "selected": (
            lambda: page.post(reverse("jobs:selected_download"), {"jobs": [str(job.pk)]}),
            [True, True],
        ),
        "api": (lambda: program.get(f"pictures/{first.pk}/result/"), [True, False]),
        "api rendition": (lambda: program.get(f"renditions/{rendition.pk}/file/"), [True, False]),
        "api zip": (lambda: program.get(f"jobs/{job.pk}/results.zip"), [True, True]),
    }
    fetch, expected = doors[door]
    assert fetch().status_code == 200
    assert downloaded(job) == expected
    at = pictures_of(job)[0].downloaded_at
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=1))
    assert fetch().status_code == 200
    assert pictures_of(job)[0].downloaded_at == at


def test_a_redirect_to_the_store_counts(
    user: User, client_of: SignIn, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "download_url", lambda key, **_: f"https://store.example/{key}")
    answer = client_of(user).get(reverse("jobs:result", args=[pictures_of(job)[0].pk]))
    assert (answer.status_code, downloaded(job)) == (302, [True, False])


@pytest.mark.parametrize("name", ["shared_file", "shared_zip"])
def test_a_visitor_of_a_share_downloads_it_too(name: str, user: User, job: Job, valkey: redis.Redis) -> None:
    share = shares.create(user, job, may_download=True)
    one = [pictures_of(job)[0].pk] if name == "shared_file" else []
    address = reverse(f"jobs:{name}", args=[share.token, *one])
    Client().head(address)
    assert downloaded(job) == [False, False]
    assert Client().get(address).status_code == 200
    assert downloaded(job) == [True, not one]


def test_what_is_no_download(user: User, stranger: User, client_of: SignIn, job: Job) -> None:
    address = reverse("jobs:result", args=[pictures_of(job)[0].pk])
    client = client_of(user)
    client.head(address)
    client.get(address + "?inline")
    client.get(reverse("jobs:preview", args=[pictures_of(job)[0].pk]))
    client.head(reverse("jobs:zip", args=[job.pk]))
    Program(user).ask("head", f"pictures/{pictures_of(job)[0].pk}/result/")
    assert client_of(stranger).get(address).status_code == 404
    assert downloaded(job) == [False, False]


def test_many_pictures_cost_no_query_each(user: User) -> None:
    job = make_job(user, 3)
    for picture in pictures_of(job)[:2]:
        complete(picture)
    with CaptureQueriesContext(connection) as queries:
        downloads.note(pictures_of(job)[:])
    first = len(queries)
    assert downloaded(job) == [True, True, False], "a picture without a result was not downloaded"
    assert first <= 6
    loaded = pictures_of(job)
    with CaptureQueriesContext(connection) as queries:
        downloads.note(loaded[:2])
    assert not queries.captured_queries


def test_a_download_does_not_fail_when_it_cannot_be_recorded(
    user: User, client_of: SignIn, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(ids: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(downloads, "_note", refuse)
    answer = client_of(user).get(reverse("jobs:zip", args=[job.pk]))
    assert (answer.status_code, downloaded(job)) == (200, [False, False])


@pytest.mark.django_db(transaction=True)
def test_two_downloads_at_once_record_one_time(user: User) -> None:
    job = complete_all(make_job(user, 2))
    rows = pictures_of(job)
    found = at_once(lambda number: downloads.note(rows if number % 2 else rows[::-1]), 4)
    assert found == [None] * 4
    assert downloaded(job) == [True, True]
