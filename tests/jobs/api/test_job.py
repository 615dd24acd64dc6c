"""Actions on one job: view, cancel, retry, run again, pin, tag, delete, download."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Job, Receipt
from jobs.services import lines
from tests.conftest import make_job
from tests.jobs.api.program import Program
from tests.jobs.factories import complete, complete_all, pictures_of, states_of, stored_files
from tests.jobs.views.answers import body_of

pytestmark = pytest.mark.django_db


def address(job: Job, then: str = "") -> str:
    return f"jobs/{job.pk}/{then}"


def fail(job: Job, at: int) -> None:
    claim = lines.PICTURES.claim(pictures_of(job)[at].pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "broken", "It is broken.")


def test_job_detail(program: Program, user: User) -> None:
    job = make_job(user, 3)
    complete(pictures_of(job)[0])
    fail(job, 1)
    said = program.get(address(job)).json()
    assert (said["state"], said["finished_at"]) == ("active", None)
    assert said["counts"] == {"queued": 1, "running": 0, "done": 1, "failed": 1, "cancelled": 0}
    assert said["estimate"]["ahead"] == 0
    done, failed, queued = said["pictures"]
    assert done["rendition"]["media_type"] == "image/png"
    assert done["result_url"] == f"http://testserver/api/v1/pictures/{done['id']}/result/"
    assert failed["error"] == {"code": "broken", "sentence": "It is broken."}
    assert (queued["state"], queued["rendition"]) == ("queued", None)


def test_cancel(program: Program, user: User) -> None:
    job = make_job(user, 2)
    complete(pictures_of(job)[0])
    said = program.post(address(job, "cancel/"))
    assert said.status_code == 200
    assert (said.json()["state"], said.json()["estimate"]) == ("cancelled", None)
    assert states_of(job) == ["done", "cancelled"]
    assert program.post(address(job, "cancel/")).json()["state"] == "cancelled"


def test_try_again(program: Program, user: User) -> None:
    job = make_job(user, 2)
    fail(job, 0)
    complete(pictures_of(job)[1])
    said = program.post(address(job, "retry/"))
    assert (said.status_code, said.json()["state"]) == (200, "active")
    assert states_of(job) == ["queued", "done"]


def test_again_with_another_recipe(program: Program, user: User) -> None:
    job = complete_all(make_job(user, 2))
    said = program.post(address(job, "again/"), {"recipe": {"model": "u2netp", "format": "webp"}})
    assert said.status_code == 201
    new = Job.objects.get(pk=said.json()["id"])
    assert new.pk != job.pk
    assert said["Location"].endswith(f"/api/v1/jobs/{new.pk}/")
    assert new.recipe["format"] == "webp"
    assert states_of(new) == ["queued", "queued"]
    refused = program.post(address(job, "again/"), {"recipe": {"format": "gif"}})
    assert (refused.status_code, refused.json()["field"]) == (422, "recipe.format")


def test_pin_and_tag(program: Program, user: User) -> None:
    job = make_job(user)
    said = program.ask("patch", address(job), {"pinned": True, "tags": ["Shoes", "autumn"]})
    assert said.status_code == 200
    assert (said.json()["pinned"], said.json()["tags"]) == (True, ["Shoes", "autumn"])
    said = program.ask("patch", address(job), {"tags": ["shoes", "red"]})
    assert (said.json()["pinned"], said.json()["tags"]) == (True, ["Shoes", "red"])
    for body, field in (({"pinned": "yes"}, "pinned"), ({"tags": [7]}, "tags.0"), ({"title": "x"}, "title")):
        assert program.ask("patch", address(job), body).json()["field"] == field


def test_tags_that_are_refused_change_nothing(program: Program, user: User) -> None:
    job = make_job(user)
    program.ask("patch", address(job), {"tags": ["blue", "red"]})
    refused = program.ask("patch", address(job), {"tags": ["new", "\u200b"], "pinned": True})
    assert (refused.status_code, refused.json()["code"]) == (422, "tag_empty")
    said = program.get(address(job)).json()
    assert (said["tags"], said["pinned"]) == (["blue", "red"], False)
    assert list(user.tags.values_list("name", flat=True)) == ["blue", "red"]


def test_delete_now(program: Program, user: User, django_capture_on_commit_callbacks: Any) -> None:
    job = complete_all(make_job(user))
    with django_capture_on_commit_callbacks(execute=True):
        assert program.ask("delete", address(job)).status_code == 204
    assert not Job.objects.exists()
    assert stored_files() == []
    assert Receipt.objects.get().reason == "owner"
    assert program.get(address(job)).status_code == 404


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators")
def test_results(program: Program, user: User) -> None:
    job = make_job(user, 2)
    assert program.get(f"jobs/{job.pk}/results.zip").status_code == 404
    complete_all(job)
    answer = program.get(f"jobs/{job.pk}/results.zip")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(body_of(answer)))
    assert sorted(archive.namelist()) == ["disc-0.png", "disc-1.png"]


def test_a_matching_etag_gets_a_304(program: Program, user: User) -> None:
    job = make_job(user)
    for path in (address(job), address(job, "pictures/"), "jobs/"):
        first = program.get(path)
        again = program.get(path, If_None_Match=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        complete_all(job) if path == "jobs/" else None
    assert program.get("jobs/", If_None_Match=first["ETag"]).status_code == 200
