"""Idempotency-Key: a repeated request has no further effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connections
from django.utils import timezone

from accounts.models import User
from jobs.models import Idempotency, Job, Upload
from jobs.services import idempotency
from tests.conftest import make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.at_once import at_once
from tests.jobs.factories import stored_files


@pytest.mark.django_db
def test_a_repeated_request_gets_the_same_response(program: Program, user: User) -> None:
    body = {"uploads": [str(make_upload(user).pk)]}
    first = program.post("jobs/", body, Idempotency_Key="one")
    again = program.post("jobs/", body, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert ("Idempotent-Replayed" in first.headers, again["Idempotent-Replayed"]) == (False, "true")
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_repeated_files_make_one_job(program: Program) -> None:
    fields = {"pictures": [make_picture()], "format": "webp"}
    first = program.form("jobs/", fields, Idempotency_Key="one")
    again = program.form("jobs/", fields, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (Job.objects.count(), Upload.objects.count(), len(stored_files())) == (1, 1, 1)
    other = program.form("jobs/", {**fields, "pictures": [make_picture(seed=7)]}, Idempotency_Key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Upload.objects.count() == 1


@pytest.mark.django_db
def test_another_request_with_the_key_is_refused(program: Program, user: User) -> None:
    uploads = [str(make_upload(user).pk) for _ in range(2)]
    program.post("jobs/", {"uploads": uploads[:1]}, Idempotency_Key="one")
    for address, body in (("jobs/", {"uploads": uploads[1:]}), ("uploads/", {"name": "a", "size": 1})):
        refused = program.post(address, body, Idempotency_Key="one")
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_a_refused_request_does_not_use_up_the_key(program: Program, user: User) -> None:
    assert program.post("jobs/", {"uploads": []}, Idempotency_Key="one").status_code == 422
    body = {"uploads": [str(make_upload(user).pk)]}
    assert program.post("jobs/", body, Idempotency_Key="one").status_code == 201


@pytest.mark.django_db
def test_keys_are_per_user(program: Program, stranger: User) -> None:
    body = {"name": "a.png", "size": 1}
    mine = program.post("uploads/", body, Idempotency_Key="one").json()
    theirs = Program(stranger).post("uploads/", body, Idempotency_Key="one").json()
    assert mine["id"] != theirs["id"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "schlüssel"])
def test_invalid_keys(program: Program, key: str) -> None:
    refused = program.post("uploads/", {"name": "a", "size": 1}, Idempotency_Key=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_idempotency_key")


@pytest.mark.django_db
def test_a_key_expires_after_a_day(program: Program) -> None:
    body = {"name": "a.png", "size": 1}
    first = program.post("uploads/", body, Idempotency_Key="one").json()
    Idempotency.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert program.post("uploads/", body, Idempotency_Key="one").json()["id"] != first["id"]
    assert idempotency.sweep() == 0
    Idempotency.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.sweep() == 1
    assert not Idempotency.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["json", "form"])
def test_twenty_concurrent_requests_make_one_job(user: User, kind: str) -> None:
    upload = str(make_upload(user).pk)
    secret = Program(user).secret

    def send(_: int) -> Any:
        close_old_connections()
        program = Program.of(secret)
        try:
            if kind == "form":
                return program.form("jobs/", {"pictures": [make_picture()]}, Idempotency_Key="one")
            return program.post("jobs/", {"uploads": [upload]}, Idempotency_Key="one")
        finally:
            connections.close_all()

    answers = at_once(send, 20)
    assert [getattr(answer, "status_code", answer) for answer in answers] == [201] * 20
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert Job.objects.count() == 1
    assert len(stored_files()) == (2 if kind == "form" else 1)
