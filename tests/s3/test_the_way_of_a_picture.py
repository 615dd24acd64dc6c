"""Upload, submit, segment, download with the files in S3: no file passes through the web process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import urllib3
from django.test import Client

from accounts.models import User
from jobs import storage
from jobs.models import Picture, Upload
from jobs.queue import circuit
from jobs.services import lines
from jobs.storage.s3 import S3Store
from jobs.worker import processing
from segmentation import weights
from tests.conftest import make_job, make_picture
from tests.s3.conftest import free_ports, use_bucket
from tests.s3.test_store import post

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey", "bucket"),
]
needs_weights = pytest.mark.skipif(
    weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"
)

http = urllib3.PoolManager()


def start(client: Client, size: int) -> dict[str, Any]:
    answer = client.post(
        "/uploads/", json.dumps({"name": "disc.png", "size": size}), content_type="application/json"
    )
    assert answer.status_code == 201
    return dict(answer.json())


@needs_weights
def test_from_the_browser_to_the_store_and_back(
    user: User, client_of: Callable[[User], Client], objects: Any
) -> None:
    client, content = client_of(user), make_picture()
    with patch.object(S3Store, "reading", side_effect=AssertionError("the web read a body")):
        begun = start(client, len(content))
        assert post(begun["target"], content) == 204
        finished = client.post(begun["finish_url"])
        assert finished.json() == {
            "id": begun["id"],
            "state": "uploaded",
            "width": 64,
            "height": 48,
            "format": "png",
        }
        assert objects() == {f"sources/{begun['id']}"}
        answer = client.post("/jobs/", {"uploads": [begun["id"]]}, headers={"accept": "application/json"})
    picture = Picture.objects.get(pk=answer.json()["pictures"][0]["id"])

    processing.process(picture.pk)

    picture.refresh_from_db()
    assert picture.state == "done"
    result = client.get(f"/pictures/{picture.pk}/result/")
    assert result.status_code == 302
    fetched = http.request("GET", result["Location"])
    assert fetched.status == 200
    assert fetched.data.startswith(b"\x89PNG")
    assert fetched.headers["Content-Disposition"] == 'attachment; filename="disc.png"'

    assert client.post(f"/jobs/{picture.job_id}/delete/").status_code == 302
    assert objects() == set()


def test_bytes_sent_after_the_check_do_not_replace_what_was_checked(
    user: User, client_of: Callable[[User], Client]
) -> None:
    client, content = client_of(user), make_picture()
    begun = start(client, len(content))
    post(begun["target"], content)
    client.post(begun["finish_url"])

    assert post(begun["target"], b"something else") == 204

    with storage.reading(Upload.objects.get().key) as file:
        assert file.read() == content


def test_a_form_accepts_only_the_announced_size(
    user: User, client_of: Callable[[User], Client], objects: Any
) -> None:
    """The form's other fields are not counted."""
    begun = start(client_of(user), 11)
    assert post(begun["target"], b"hello there!") in {400, 403}
    assert objects() == set()
    assert post(begun["target"], b"hello there") == 204


def test_a_text_file_is_refused_and_deleted(
    user: User, client_of: Callable[[User], Client], objects: Any
) -> None:
    client = client_of(user)
    begun = start(client, 11)
    assert post(begun["target"], b"hello there") == 204

    answer = client.post(begun["finish_url"])

    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported_format")
    assert objects() == set()


def test_an_unavailable_store_costs_no_attempt(user: User, settings: Any) -> None:
    job = make_job(user)
    picture = Picture.objects.get(job=job)
    use_bucket(settings, f"http://127.0.0.1:{free_ports(1)[0]}", "pictures")

    with patch("jobs.worker.engine.pipeline"):
        processing.process(picture.pk)

    picture.refresh_from_db()
    assert (picture.state, picture.attempts, picture.error_code) == ("queued", 0, "")
    assert circuit.is_open()
    assert lines.PICTURES.top_up(user.pk) == 0


def test_a_page_reports_an_unavailable_store(
    user: User, client_of: Callable[[User], Client], settings: Any
) -> None:
    client = client_of(user)
    begun = start(client, 10)
    use_bucket(settings, f"http://127.0.0.1:{free_ports(1)[0]}", "pictures")

    answer = client.post(begun["finish_url"], headers={"accept": "application/json"})

    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        503,
        "store_away",
        "30",
    )
    assert Upload.objects.get().state == "started"
