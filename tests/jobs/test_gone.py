"""Rows deleted by a concurrent request: pages and the API answer 404, never 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import tokens
from jobs import selectors
from jobs.errors import GoneError
from jobs.models import Job, Picture, Upload
from jobs.services import removal, retry, submit, tags, uploads
from jobs.views import jobs as pages
from segmentation.recipe import Recipe
from tests.conftest import make_job
from tests.jobs.factories import bare_job, bare_uploads, complete_all, pictures_of

pytestmark = pytest.mark.usefixtures("valkey")
RECIPE = Recipe(model="u2netp")
PAGES = {
    "cancel/": {},
    "retry/": {},
    "again/": {"background": "transparent", "format": "png"},
    "tags/": {"name": "holiday"},
    "tags/remove/": {"name": "holiday"},
}
CALLS: dict[str, tuple[str, object]] = {
    "cancel/": ("POST", None),
    "retry/": ("POST", None),
    "again/": ("POST", {"recipe": {"format": "webp"}}),
    "": ("PATCH", {"tags": ["holiday"]}),
}


@pytest.fixture
def deleted_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job is deleted right after a view has loaded it."""
    find = selectors.job_of

    def found(user: User, job: UUID) -> Job:
        row = find(user, job)
        removal.delete_jobs([job])
        return row

    monkeypatch.setattr(selectors, "job_of", found)


@pytest.mark.parametrize(
    "act",
    [
        removal.cancel,
        retry.retry_failed,
        lambda job: submit.again(job, RECIPE),
        lambda job: tags.add(job, "holiday"),
        lambda job: tags.remove(job, "holiday"),
        lambda job: tags.replace(job, ["holiday"]),
    ],
)
def test_services_raise_gone_error_for_a_deleted_job(user: User, act: Callable[[Job], object]) -> None:
    job = bare_job(user)
    removal.delete_jobs([job.pk])
    with pytest.raises(GoneError):
        act(job)


@pytest.mark.usefixtures("deleted_meanwhile")
@pytest.mark.parametrize("path", PAGES)
def test_pages_answer_404_for_a_job_deleted_meanwhile(
    user: User, client_of: Callable[[User], Client], path: str
) -> None:
    answer = client_of(user).post(f"/jobs/{bare_job(user).pk}/{path}", PAGES[path])
    assert answer.status_code == 404


@pytest.mark.usefixtures("deleted_meanwhile")
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}])
@pytest.mark.parametrize("path", CALLS)
def test_the_api_answers_404_for_a_job_deleted_meanwhile(user: User, path: str, key: dict[str, str]) -> None:
    _, secret = tokens.create(user, "script", ["read", "submit", "delete"])
    method, body = CALLS[path]
    answer = Client().generic(
        method,
        f"/api/v1/jobs/{bare_job(user).pk}/{path}",
        "" if body is None else json.dumps(body),
        "application/json",
        headers={"Authorization": f"Bearer {secret}", **key},
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_picture_deleted_during_the_submission_is_not_in_the_answer(
    user: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = submit.submit

    def and_delete_one(*args: Any, **kwargs: Any) -> Job:
        job = send(*args, **kwargs)
        removal.delete_pictures([pictures_of(job)[1].pk])
        return job

    monkeypatch.setattr(pages.submit, "submit", and_delete_one)
    ids = bare_uploads(user, 3)
    answer = client_of(user).post("/jobs/", {"uploads": ids}, headers={"Accept": "application/json"})
    assert answer.status_code == 201
    assert [picture["upload"] for picture in answer.json()["pictures"]] == [str(ids[0]), str(ids[2])]


def test_an_upload_discarded_while_it_is_checked_is_gone(
    user: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploads.start(user, "disc.png", 5)
    monkeypatch.setattr(uploads, "_arrived", lambda upload: Upload.objects.all().delete() and None)
    answer = client_of(user).post(f"/uploads/{upload.pk}/finish/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_a_foreign_key_to_a_deleted_row_is_a_404(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = complete_all(make_job(user))
    _, secret = tokens.create(user, "script", ["read", "submit"])
    find = selectors.picture_of

    def found(user: User, picture: UUID) -> Picture:
        row = find(user, picture)
        removal.delete_jobs([row.job_id])
        return row

    monkeypatch.setattr(selectors, "picture_of", found)
    answer = Client().put(
        f"/api/v1/pictures/{pictures_of(job)[0].pk}/feedback/",
        json.dumps({"verdict": "up"}),
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
