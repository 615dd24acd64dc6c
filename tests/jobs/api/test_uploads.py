"""Uploads by API clients: start, send, finish."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Picture, Upload
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import stored_files

pytestmark = pytest.mark.django_db


def test_start_send_and_finish(program: Program, user: User) -> None:
    content = make_picture(30, 20)
    started = program.post("uploads/", {"name": "shoes/red.png", "size": len(content)})
    assert started.status_code == 201
    said = started.json()
    upload = Upload.objects.get()
    root = f"http://testserver/api/v1/uploads/{upload.pk}/"
    assert started["Location"] == root
    assert said == {
        "id": str(upload.pk),
        "name": "red.png",
        "state": "started",
        "size": None,
        "format": "",
        "width": None,
        "height": None,
        "error": None,
        "created_at": said["created_at"],
        "url": root,
        "target": {"method": "POST", "url": f"{root}body/", "fields": {}},
        "finish_url": f"{root}finish/",
    }
    assert (upload.user, upload.folder) == (user, "shoes")

    sent = program.form(said["target"]["url"], {**said["target"]["fields"], "file": content})
    assert (sent.status_code, sent.content) == (204, b"")
    for _ in range(2):
        finished = program.post(said["finish_url"])
        assert finished.status_code == 200
        facts = finished.json()
        assert (facts["state"], facts["width"], facts["height"], facts["format"]) == (
            "uploaded",
            30,
            20,
            "png",
        )
        assert facts["size"] == len(content)
    assert program.get(said["url"]).json() == facts


def test_a_file_that_is_not_a_picture_is_refused_with_a_reason(program: Program) -> None:
    said = program.post("uploads/", {"name": "letter.jpg", "size": 9}).json()
    program.form(said["target"]["url"], {"file": b"Dear all"})
    finished = program.post(said["finish_url"])
    assert finished.status_code == 200
    assert finished.json()["state"] == "refused"
    assert finished.json()["error"]["code"] == "unsupported_format"
    assert stored_files() == []


@pytest.mark.parametrize(
    ("announcement", "code", "field"),
    [
        ({}, "required", "name"),
        ({"name": "a.png"}, "required", "size"),
        ({"name": 7, "size": 7}, "invalid", "name"),
        ({"name": None, "size": 7}, "null", "name"),
        ({"name": "a.png", "size": "7"}, "invalid", "size"),
        ({"name": "a.png", "size": 0}, "empty_file", "size"),
        ({"name": "a.png", "size": -1}, "min_value", "size"),
        ({"name": "a.png", "size": 7.5}, "invalid", "size"),
        ({"name": "a.png", "size": True}, "invalid", "size"),
        ({"name": "a.png", "size": 10**30}, "max_value", "size"),
        ({"name": "a.png", "size": 10**9}, "too_many_bytes", None),
        ({"name": "a.png", "size": 7, "sise": 7}, "unknown_field", "sise"),
        ({"name": "n" * 1001, "size": 7}, "max_length", "name"),
    ],
)
def test_invalid_announcements(program: Program, announcement: Any, code: str, field: str | None) -> None:
    refused = program.post("uploads/", announcement)
    assert refused.status_code == 422
    body = refused.json()
    assert (body["code"], body["field"]) == (code, field)
    assert body["sentence"].endswith(".")
    assert body["errors"][0] == {"code": code, "sentence": body["sentence"], "field": field}
    assert not Upload.objects.exists()


def test_a_form_without_the_file_is_refused(program: Program) -> None:
    address = program.post("uploads/", {"name": "a.png", "size": 9}).json()["target"]["url"]
    for answer in (program.form(address, {"file": ""}), program.form(address, {"picture": b"x"})):
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert program.post(address).status_code == 415


def test_bytes_after_the_end_are_refused(program: Program, user: User) -> None:
    upload = make_upload(user)
    answer = program.form(f"uploads/{upload.pk}/body/", {"file": b"other"})
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_closed")


def test_the_studio_ignores_uploads_of_api_clients(program: Program, user: User, client: Client) -> None:
    """The page must not submit or discard an API client's unfinished batch."""
    content = make_picture(30, 20)
    said = program.post("uploads/", {"name": "a.png", "size": len(content)}).json()
    program.form(said["target"]["url"], {**said["target"]["fields"], "file": content})
    assert program.post(said["finish_url"]).json()["state"] == "uploaded"
    own = make_upload(user)
    client.force_login(user, backend="accounts.backends.AuthenticationBackend")
    assert "1 picture uploaded earlier is not submitted" in client.get("/").content.decode()
    submitted = client.post("/jobs/", {"earlier": "submit"})
    assert submitted.status_code == 302
    assert list(Picture.objects.values_list("name", flat=True)) == [own.name]
    assert "uploaded earlier" not in client.get("/").content.decode()
    client.post("/uploads/discard/")
    left = Upload.objects.exclude(state="submitted").get()
    assert (str(left.pk), left.by_program) == (said["id"], True)
    job = program.post("jobs/", {"uploads": [said["id"]]})
    assert job.status_code == 201


def test_files_submitted_by_the_api_count_as_api_uploads(program: Program) -> None:
    assert program.form("jobs/", {"pictures": [make_picture()]}).status_code == 201
    assert Upload.objects.get().by_program


def test_unsubmitted_uploads_can_be_discarded(
    program: Program, user: User, django_capture_on_commit_callbacks: Any
) -> None:
    """In every state, with its bytes; also uploads from the page."""
    content = make_picture(30, 20)
    announced, sent, refused = (
        program.post("uploads/", {"name": "a.png", "size": len(content)}).json() for _ in range(3)
    )
    program.form(sent["target"]["url"], {"file": content})
    program.form(refused["target"]["url"], {"file": b"Dear all"})
    program.post(refused["finish_url"])
    of_a_page = make_upload(user)
    kept = make_upload(user)
    addresses = [announced["url"], sent["url"], refused["url"], f"uploads/{of_a_page.pk}/"]
    for address in addresses:
        with django_capture_on_commit_callbacks(execute=True):
            gone = program.ask("delete", address)
        assert (gone.status_code, gone.content) == (204, b"")
        assert program.ask("delete", address).status_code == 404
    assert list(Upload.objects.all()) == [kept]
    assert stored_files() == [kept.key]


def test_submitted_uploads_are_deleted_with_their_job_only(program: Program, user: User) -> None:
    picture = make_job(user).pictures.get()
    upload = Upload.objects.get()
    before = stored_files()
    refused = program.ask("delete", f"uploads/{upload.pk}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_submitted")
    assert Upload.objects.filter(pk=upload.pk, state="submitted").exists()
    assert Picture.objects.filter(pk=picture.pk, state="queued").exists()
    assert stored_files() == before
