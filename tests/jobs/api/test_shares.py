"""Shares over the API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job, Share
from tests.conftest import make_job
from tests.jobs.api.program import Program
from tests.jobs.factories import complete_all, pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


@pytest.fixture
def job(user: User) -> Job:
    """A finished job of three pictures."""
    return complete_all(make_job(user, 3))


def test_a_share_is_created_listed_and_revoked(program: Program, job: Job) -> None:
    first = pictures_of(job)[0]
    made = program.post(
        "shares/",
        {
            "job": str(job.pk),
            "pictures": [str(first.pk)],
            "days": 7,
            "title": "For you",
            "password": "open sesame",
            "may_download": True,
        },
    )
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    share = made.json()
    row = Share.objects.get()
    expected = {
        "id": str(row.pk),
        "job": str(job.pk),
        "kind": "picture",
        "pictures": 1,
        "state": "live",
        "link": f"http://testserver/s/{row.token}/",
        "title": "For you",
        "has_password": True,
        "may_download": True,
        "show_names": False,
        "show_owner": False,
        "revoked_at": None,
        "views": 0,
        "downloads": 0,
    }
    assert {name: share[name] for name in expected} == expected
    assert "open sesame" not in made.content.decode()
    assert program.get(made["Location"]).json() == share
    assert program.get("shares/").json()["results"] == [share]
    assert Client().get(share["link"]).status_code == 200

    assert program.ask("delete", share["url"]).status_code == 204
    after = program.get(share["url"]).json()
    assert (after["state"], after["link"]) == ("revoked", None)
    assert Client().get(share["link"]).status_code == 404
    assert program.ask("delete", share["url"]).status_code == 204, "the same again changes nothing"


def test_all_shares_are_revoked_at_once(program: Program, job: Job) -> None:
    for _ in range(2):
        program.post("shares/", {"job": str(job.pk)})
    assert program.post("shares/revoke/").json() == {"revoked": 2}
    assert program.post("shares/revoke/").json() == {"revoked": 0}
    assert {share["state"] for share in program.get("shares/").json()["results"]} == {"revoked"}


@pytest.mark.parametrize(
    ("values", "status", "code", "field"),
    [
        ({"days": 366}, 422, "invalid_days", "days"),
        ({"days": 0}, 422, "min_value", "days"),
        ({"password": "short"}, 422, "invalid_password", "password"),
        ({"pictures": []}, 422, "empty", "pictures"),
        ({"pictures": [str(uuid4())]}, 422, "not_shareable", "pictures"),
        ({"title": "x" * 101}, 422, "max_length", "title"),
        ({"may_download": "yes"}, 422, "invalid", "may_download"),
        ({"colour": "red"}, 422, "unknown_field", "colour"),
        ({"job": str(uuid4())}, 404, "not_found", None),
    ],
)
def test_invalid_shares(
    values: dict[str, Any], status: int, code: str, field: str | None, program: Program, job: Job
) -> None:
    refused = program.post("shares/", {"job": str(job.pk), **values})
    body = refused.json()
    assert (refused.status_code, body["code"], body["errors"][0]["field"]) == (status, code, field)
    assert not Share.objects.exists()


def test_submitting_does_not_allow_publishing(user: User, job: Job) -> None:
    """With `submit` alone, a program could otherwise read results by sharing them with itself."""
    refused = Program(user, "submit", "read").post("shares/", {"job": str(job.pk)})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert not Share.objects.exists()


def test_another_users_job_is_not_found(stranger: User, job: Job) -> None:
    assert Program(stranger).post("shares/", {"job": str(job.pk)}).status_code == 404
    assert not Share.objects.exists()
