"""Uploads from the page: start, send, finish, in the format of an S3 presigned POST."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from jobs.models import Job, Upload
from tests.conftest import make_picture, make_upload
from tests.jobs.factories import stored_files

pytestmark = pytest.mark.django_db
START = "/uploads/"


@pytest.fixture
def client(user: User, client_of: Any) -> Client:
    signed_in: Client = client_of(user)
    return signed_in


def start(client: Client, announcement: object) -> Any:
    text = announcement if isinstance(announcement, str | bytes) else json.dumps(announcement)
    return client.post(START, text, content_type="application/json")


def send(client: Client, address: str, content: bytes, field: str = "file", **fields: str) -> Any:
    return client.post(address, {**fields, field: SimpleUploadedFile("blob", content)})


def test_start_send_and_finish(client: Client, user: User) -> None:
    content = make_picture(30, 20)
    started = start(client, {"name": "a/cat.png", "size": len(content)})
    assert started.status_code == 201
    said = started.json()
    upload = Upload.objects.get()
    assert said == {
        "id": str(upload.pk),
        "state": "started",
        "target": {"method": "POST", "url": f"/uploads/{upload.pk}/body/", "fields": {}},
        "finish_url": f"/uploads/{upload.pk}/finish/",
    }
    assert (upload.user, upload.name, upload.announced_size) == (user, "cat.png", len(content))

    sent = send(client, said["target"]["url"], content, **said["target"]["fields"])
    assert (sent.status_code, sent.content) == (204, b"")

    for _ in range(2):
        finished = client.post(said["finish_url"])
        assert finished.status_code == 200
        assert finished.json() == {
            "id": str(upload.pk),
            "state": "uploaded",
            "width": 30,
            "height": 20,
            "format": "png",
        }


@pytest.mark.parametrize(
    ("announcement", "code"),
    [
        ("", "bad_request"),
        ("no json", "bad_request"),
        (b"\xff\xfe\xfd", "bad_request"),
        ("[]", "bad_request"),
        ("7", "bad_request"),
        ("null", "bad_request"),
        ('"name"', "bad_request"),
        ("[" * 100_000, "bad_request"),
        ('{"name": "a.png", "size": ' + "9" * 5000 + "}", "bad_request"),
        ({}, "bad_request"),
        ({"name": "a.png"}, "bad_request"),
        ({"size": 7}, "bad_request"),
        ({"name": 7, "size": 7}, "bad_request"),
        ({"name": None, "size": 7}, "bad_request"),
        ({"name": "a.png", "size": "7"}, "bad_request"),
        ({"name": "a.png", "size": 7.0}, "bad_request"),
        ({"name": "a.png", "size": True}, "bad_request"),
        ({"name": "a.png", "size": 0}, "empty_file"),
        ({"name": "a.png", "size": -7}, "empty_file"),
        ({"name": "a.png", "size": 64 * 2**20 + 1}, "too_many_bytes"),
        ({"name": "a.png", "size": 10**30}, "too_many_bytes"),
    ],
)
def test_invalid_announcements(client: Client, announcement: object, code: str) -> None:
    response = start(client, announcement)
    assert response.status_code == 422
    assert response.json()["code"] == code
    assert response.json()["sentence"].endswith(".")
    assert not Upload.objects.exists()


def test_an_announcement_of_megabytes_is_not_read(client: Client) -> None:
    assert start(client, {"name": "n" * 5 * 2**20, "size": 1}).status_code == 400
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [("\ud800.png", ".png"), ("a\x00\r\nb.png", "ab.png"), ("\u202egnp.exe", "gnp.exe"), ("", "picture")],
)
def test_a_name_is_cleaned(client: Client, name: str, kept: str) -> None:
    assert start(client, {"name": name, "size": 1}).status_code == 201
    assert Upload.objects.get().name == kept


def test_a_form_without_the_file_is_refused(client: Client) -> None:
    address = start(client, {"name": "a.png", "size": 9}).json()["target"]["url"]
    answers = [
        client.post(address),
        client.post(address, {"file": "text, not a file"}),
        client.post(address, b"raw bytes", content_type="image/png"),
        send(client, address, b"bytes", field="picture"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    broken = client.post(address, b"--x", content_type="multipart/form-data; boundary=")
    assert broken.status_code == 400
    assert stored_files() == []
    assert Upload.objects.get().state == "started"


def test_too_many_bytes_are_refused(client: Client, settings: Settings) -> None:
    settings.MAX_PICTURE_BYTES = 1024
    address = start(client, {"name": "a.png", "size": 9}).json()["target"]["url"]
    answer = send(client, address, b"x" * 1025)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_bytes")
    assert stored_files() == []


def test_bytes_after_the_end_are_refused(client: Client) -> None:
    content = make_picture()
    said = start(client, {"name": "a.png", "size": len(content)}).json()
    send(client, said["target"]["url"], content)
    client.post(said["finish_url"])
    answer = send(client, said["target"]["url"], b"other bytes")
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_closed")


def test_a_refusal_has_a_code_and_a_sentence(client: Client) -> None:
    said = start(client, {"name": "letter.jpg", "size": 9}).json()
    send(client, said["target"]["url"], b"Dear all")
    for _ in range(2):
        answer = client.post(said["finish_url"])
        assert answer.status_code == 422
        refusal = answer.json()
        assert (refusal["id"], refusal["state"]) == (said["id"], "refused")
        assert refusal["code"] == "unsupported_format"
        assert refusal["sentence"].startswith("This is not a picture that we can read")
    assert stored_files() == []


def test_finishing_without_bytes(client: Client) -> None:
    said = start(client, {"name": "a.jpg", "size": 9}).json()
    answer = client.post(said["finish_url"])
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing_arrived")


def test_an_unknown_upload_is_a_404(client: Client) -> None:
    for name in ("upload_body", "upload_finish"):
        assert client.post(reverse(f"jobs:{name}", args=[uuid4()])).status_code == 404


def test_a_large_file_is_spooled_to_disk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django spools files above a megabyte to a temporary file, which we read in chunks."""
    from jobs.services import uploads

    seen: list[str] = []
    receive = uploads.receive

    def watched(upload: Upload, content: Any, size: int) -> None:
        seen.append(type(content).__name__)
        receive(upload, content, size)

    monkeypatch.setattr(uploads, "receive", watched)
    said = start(client, {"name": "large.png", "size": 3 * 2**20}).json()
    assert send(client, said["target"]["url"], b"\0" * 3 * 2**20).status_code == 204
    assert seen == ["TemporaryUploadedFile"]


def test_the_same_file_resumes_its_upload(client: Client) -> None:
    content = make_picture(30, 20)
    announcement = {"name": "a/cat.png", "size": len(content)}
    said = start(client, announcement).json()
    again = start(client, {**announcement, "resume": said["id"]})
    assert (again.status_code, again.json()) == (200, said)
    send(client, again.json()["target"]["url"], content)
    client.post(said["finish_url"])
    third = start(client, {**announcement, "resume": said["id"]})
    assert (third.status_code, third.json()["state"]) == (200, "uploaded")
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("gone", ["00000000-0000-7000-8000-000000000000", "", None])
def test_an_upload_that_cannot_be_resumed_starts_again(client: Client, gone: str | None) -> None:
    assert start(client, {"name": "cat.png", "size": 9, "resume": gone}).status_code == 201


@pytest.mark.parametrize("wrong", ["no id", 7, ["x"]])
def test_an_invalid_id_is_refused(client: Client, wrong: object) -> None:
    refused = start(client, {"name": "cat.png", "size": 9, "resume": wrong})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_request")
    assert not Upload.objects.exists()


def test_too_many_unsubmitted_uploads_are_refused(client: Client, settings: Settings) -> None:
    settings.MAX_OPEN_UPLOADS = 1
    start(client, {"name": "cat.png", "size": 9})
    refused = start(client, {"name": "cat.png", "size": 9})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")


def test_a_script_discards_the_uploads_that_it_names(client: Client) -> None:
    ids = [start(client, {"name": "cat.png", "size": 9}).json()["id"] for _ in range(3)]
    answer = client.post("/uploads/discard/", {"uploads": ids[:2]})
    assert (answer.status_code, answer.json()) == (200, {"discarded": 2})
    assert [str(upload.pk) for upload in Upload.objects.all()] == ids[2:]
    assert client.post("/uploads/discard/", {"uploads": "no id"}).status_code == 422


def test_a_form_discards_all_uploads(client: Client, user: User) -> None:
    for name in ("a.png", "b.png"):
        make_upload(user, name)
    page = client.get("/").content.decode()
    assert "2 pictures uploaded earlier are not submitted" in page
    answer = client.post("/uploads/discard/", follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "Discarded: 2 uploads." in answer.content.decode()
    assert "uploaded earlier" not in answer.content.decode()
    assert Upload.objects.count() == 0


def test_a_form_submits_earlier_uploads(client: Client, user: User) -> None:
    ids = [make_upload(user, name).pk for name in ("a.png", "b.png")]
    answer = client.post("/jobs/", {"earlier": "submit", "format": "webp"})
    job = Job.objects.get()
    assert answer["Location"] == job.get_absolute_url()
    assert (job.picture_count, job.recipe["format"]) == (2, "webp")
    assert set(Upload.objects.values_list("pk", "state")) == {(pk, "submitted") for pk in ids}
    again = client.post("/jobs/", {"earlier": "submit"}, follow=True)
    assert "Choose at least one picture." in again.content.decode()
