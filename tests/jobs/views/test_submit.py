"""A new job, submitted by the page's script (JSON) or by a plain form."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from jobs.models import Job, Picture, Upload
from jobs.services import uploads
from segmentation.pictures import names
from tests.conftest import make_picture, make_upload
from tests.jobs.factories import bare_uploads, pictures_of, stored_files

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(user: User, client_of: Any) -> Client:
    signed_in: Client = client_of(user)
    return signed_in


def submit(client: Client, data: dict[str, object], **headers: str) -> Any:
    return client.post("/jobs/", data, headers=headers)


def words(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_a_script_gets_the_job_and_its_urls(client: Client, user: User) -> None:
    first, second = make_upload(user, "a.png"), make_upload(user, "b.jpg", b"text")
    response = submit(
        client,
        {
            "uploads": [second.pk, first.pk],
            "background": "#fff",
            "format": "jpeg",
            "csrfmiddlewaretoken": "x",
        },
        **JSON,
    )
    assert response.status_code == 201
    job = Job.objects.get()
    failed, queued = pictures_of(job)
    assert response.json() == {
        "id": str(job.pk),
        "url": f"/jobs/{job.pk}/",
        "cards_url": f"/jobs/{job.pk}/cards/",
        "events_url": f"/jobs/{job.pk}/events/",
        "zip_url": f"/jobs/{job.pk}/results.zip",
        "pictures": [
            {"id": str(failed.pk), "upload": str(second.pk), "name": "b.jpg", "state": "failed"},
            {"id": str(queued.pk), "upload": str(first.pk), "name": "a.png", "state": "queued"},
        ],
    }
    assert (job.recipe["format"], job.recipe["background"]) == (
        "jpeg",
        {"kind": "colour", "colour": "#ffffff"},
    )
    assert job.recipe["model"] == "u2netp", "the operator's model where the form names none"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"background": "url(javascript:alert(1))"}, "invalid_background"),
        ({"background": "picture:/etc/passwd"}, "invalid_background"),
        ({"format": "exe"}, "invalid_format"),
        ({"model": "nonsense"}, "invalid_model"),
        ({"model": "../../etc/passwd"}, "invalid_model"),
        ({"quality": "9" * 5000, "format": "jpeg"}, "invalid_quality"),
        ({"quality": "nan", "format": "jpeg"}, "invalid_quality"),
        ({"size": "999999x999999"}, "invalid_size"),
        ({"crop": "maybe"}, "invalid_crop"),
    ],
)
def test_a_wrong_recipe_makes_no_job(client: Client, user: User, fields: dict[str, str], code: str) -> None:
    upload = make_upload(user)
    response = submit(client, {"uploads": [upload.pk], **fields}, **JSON)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert not Job.objects.exists()
    assert Upload.objects.get().state == "uploaded"


def test_refused_submissions_give_a_reason(client: Client, user: User, stranger: User) -> None:
    unfinished = uploads.start(user, "a.png", 9)
    for given, code in (
        ([], "no_pictures"),
        ([""], "upload_not_ready"),
        (["no uuid"], "upload_not_ready"),
        ([uuid4()], "upload_not_ready"),
        ([unfinished.pk], "upload_not_ready"),
        ([make_upload(stranger).pk], "upload_not_ready"),
    ):
        response = submit(client, {"uploads": given}, **JSON)
        assert (response.status_code, response.json()["code"]) == (422, code)
        assert response.json()["sentence"].endswith(".")
    assert not Job.objects.exists()


def test_an_upload_named_twice_is_one_picture(client: Client, user: User) -> None:
    pk = make_upload(user).pk
    response = submit(client, {"uploads": [pk, str(pk).upper(), pk.hex]}, **JSON)
    assert (response.status_code, len(response.json()["pictures"])) == (201, 1)


def test_submitting_again_makes_no_second_job(client: Client, user: User) -> None:
    pk = make_upload(user).pk
    assert submit(client, {"uploads": [pk]}, **JSON).status_code == 201
    again = submit(client, {"uploads": [pk]}, **JSON)
    assert (again.status_code, again.json()["code"]) == (422, "upload_not_ready")
    assert Job.objects.count() == 1


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""])
def test_a_browser_without_script_sends_the_files_themselves(client: Client, accept: str) -> None:
    files = [
        SimpleUploadedFile("b.png", make_picture(9, 8)),
        SimpleUploadedFile("letter.jpg", b"Dear all"),
        SimpleUploadedFile("empty.png", b""),
    ]
    response = submit(client, {"pictures": files, "refine": "off"}, Accept=accept)
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/jobs/{job.pk}/")
    assert job.recipe["refine"] == "off"
    assert [(picture.name, picture.state, picture.error_code) for picture in pictures_of(job)] == [
        ("b.png", "queued", ""),
        ("letter.jpg", "failed", "unsupported_format"),
        ("empty.png", "failed", "empty_file"),
    ]


def test_macos_metadata_files_are_skipped_with_a_message(client: Client) -> None:
    files = [
        SimpleUploadedFile("._b.png", b"\0\5\x16\7\0\2\0\0Mac OS X"),
        SimpleUploadedFile("b.png", make_picture(9, 8)),
    ]
    response = submit(client, {"pictures": files})
    assert [(picture.name, picture.state) for picture in pictures_of(Job.objects.get())] == [
        ("b.png", "queued")
    ]
    assert words(response) == ["Skipped 1 file whose name starts with “._”; such files hold macOS metadata."]


def test_a_form_with_metadata_files_only_has_no_picture(client: Client) -> None:
    response = submit(client, {"pictures": [SimpleUploadedFile("._b.png", b"\0\5\x16\7")]})
    assert words(response)[-1] == "Choose at least one picture."
    assert not Job.objects.exists()
    assert not Upload.objects.exists()


def test_the_page_has_the_list_of_what_may_be_a_picture(client: Client) -> None:
    page = client.get("/").content.decode()
    assert f'accept="{names.ACCEPT}"' in page
    assert f'data-picture-suffixes="{" ".join(names.SUFFIXES)}"' in page
    assert "4:66747970" in page


def test_a_form_without_pictures_gets_a_message(client: Client) -> None:
    response = submit(client, {"refine": "fast"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert words(response) == ["Choose at least one picture."]
    assert not Job.objects.exists()


def test_a_form_with_an_invalid_recipe_stores_no_file(client: Client) -> None:
    picture = SimpleUploadedFile("b.png", make_picture())
    response = submit(client, {"pictures": picture, "format": "exe"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert words(response) == ["format is one of png, webp, webp-lossless, jpeg, avif, zip, not 'exe'."]
    assert stored_files() == []
    assert not Upload.objects.exists()


def test_more_files_than_a_job_holds_are_not_read(client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    files = [SimpleUploadedFile(f"{number}.png", make_picture(9, 8)) for number in range(3)]
    assert submit(client, {"pictures": files}).status_code == 400
    assert not Upload.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_five_thousand_uploads_are_submitted_in_one_go(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.services.slices.PAUSE", 0)
    response = submit(client, {"uploads": bare_uploads(user, 5000)}, **JSON)
    assert (response.status_code, len(response.json()["pictures"])) == (201, 5000)
    assert Picture.objects.count() == 5000


def test_too_many_pictures_are_refused_with_a_message(client: Client, user: User) -> None:
    response = submit(client, {"uploads": bare_uploads(user, 5001)}, **JSON)
    assert (response.status_code, response.json()["code"]) == (422, "too_many_pictures")
    assert not Job.objects.exists()


def test_a_flood_of_fields_is_refused(client: Client) -> None:
    assert submit(client, {"uploads": ["x"] * 20_000}, **JSON).status_code == 400


def test_submitting_costs_few_queries(
    client: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/jobs/")
    ids = bare_uploads(user, 20)
    # One more than the rows need: uploads are read before the transaction and locked inside it.
    with django_assert_max_num_queries(20):
        submit(client, {"uploads": ids}, **JSON)
