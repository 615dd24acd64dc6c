"""Pictures: list, view, download, delete."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from jobs.models import Picture
from tests.conftest import make_job, make_picture
from tests.jobs.api.program import Program
from tests.jobs.factories import complete, encoded, pictures_of
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]


def test_the_pictures_of_a_job_in_pages(program: Program, user: User) -> None:
    job = make_job(user, 3)
    complete(pictures_of(job)[1])
    page = program.get(f"jobs/{job.pk}/pictures/?limit=2").json()
    assert [picture["position"] for picture in page["results"]] == [0, 1]
    page = program.get(page["next"]).json()
    assert [picture["position"] for picture in page["results"]] == [2]
    assert page["next"] is None
    page = program.get(page["previous"]).json()
    assert [picture["position"] for picture in page["results"]] == [0, 1]
    done = program.get(f"jobs/{job.pk}/pictures/?state=done").json()["results"]
    assert [picture["name"] for picture in done] == ["disc-1.png"]
    refused = program.get(f"jobs/{job.pk}/pictures/?state=lost")
    assert (refused.status_code, refused.json()["field"]) == (422, "state")


def test_a_picture_and_its_files(program: Program, user: User) -> None:
    picture = pictures_of(make_job(user))[0]
    for name in ("result", "preview", "thumb"):
        assert program.get(f"pictures/{picture.pk}/{name}/").status_code == 404
    complete(picture, encoded("PNG", (5, 4)))
    said = program.get(f"pictures/{picture.pk}/").json()
    assert (said["state"], said["confidence"], said["rendition"]["size"] > 0) == ("done", 0.75, True)
    for name, kind, content in (
        ("result", "image/png", encoded("PNG", (5, 4))),
        ("preview", "image/webp", encoded("WEBP")),
        ("thumb", "image/webp", encoded("WEBP")),
        ("source", "application/octet-stream", make_picture()),
    ):
        answer = program.get(said[f"{name}_url"])
        assert (answer.status_code, answer["Content-Type"], body_of(answer)) == (200, kind, content)
        known = program.get(said[f"{name}_url"], If_None_Match=answer["ETag"])
        assert (known.status_code, known.content) == (304, b"")
    assert program.get(said["result_url"])["Content-Disposition"] == 'attachment; filename="disc-0.png"'


def test_delete_one(program: Program, user: User, django_capture_on_commit_callbacks: Any) -> None:
    job = make_job(user, 2)
    first, second = pictures_of(job)
    with django_capture_on_commit_callbacks(execute=True):
        assert program.ask("delete", f"pictures/{first.pk}/").status_code == 204
    assert list(Picture.objects.all()) == [second]
    assert program.get(f"jobs/{job.pk}/").json()["picture_count"] == 1
    assert program.get(f"pictures/{first.pk}/").status_code == 404
