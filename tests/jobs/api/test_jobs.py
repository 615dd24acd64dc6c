"""Jobs: created from uploads or files, listed, filtered, paginated."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from jobs.models import Job, Upload
from jobs.services import presets, tags
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import bare_job, complete, pictures_of, states_of

pytestmark = pytest.mark.django_db


def test_a_job_of_uploads(program: Program, user: User) -> None:
    ids = [str(make_upload(user, f"disc-{n}.png").pk) for n in range(2)]
    made = program.post(
        "jobs/", {"uploads": ids, "recipe": {"background": "#fff", "format": "jpeg"}, "title": "Two\ndiscs"}
    )
    assert made.status_code == 201, made.json()
    said = made.json()
    job = Job.objects.get()
    assert made["Location"] == said["url"] == f"http://testserver/api/v1/jobs/{job.pk}/"
    assert (job.user, job.origin, job.title, job.picture_count) == (user, "api", "Two discs", 2)
    assert (job.recipe["model"], job.recipe["format"]) == ("u2netp", "jpeg")
    assert said["recipe"] == job.recipe
    assert said["counts"] == {"queued": 2, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
    assert said["estimate"] == {"ahead": 0, "seconds": None}
    assert [picture["name"] for picture in said["pictures"]] == ["disc-0.png", "disc-1.png"]
    assert [picture["state"] for picture in said["pictures"]] == ["queued", "queued"]
    assert said["pictures"][0]["result_url"] is None


def test_one_call_uploads_submits_and_waits(program: Program, user: User) -> None:
    made = program.form(
        "jobs/",
        {
            "pictures": [make_picture(seed=1), b"no picture"],
            "background": "#ff0000",
            "title": "Both",
            "crop": "",
        },
    )
    assert made.status_code == 201, made.json()
    job = Job.objects.get()
    assert states_of(job) == ["queued", "failed"]
    assert job.recipe["background"] == {"kind": "colour", "colour": "#ff0000"}
    failed = made.json()["pictures"][1]
    assert (failed["error"]["code"], failed["source_url"]) == ("unsupported_format", None)


def test_a_recipe_overrides_its_preset(program: Program, user: User) -> None:
    presets.save(user, "mine", "", Recipe(model="u2net", refine="off"))
    for preset, given, expected in (
        ("sticker", {}, {"format": "webp", "model": "u2netp"}),
        ("sticker", {"format": "png"}, {"format": "png"}),
        ("mine", {"crop": True}, {"model": "u2net", "refine": "off", "crop": True}),
    ):
        upload = str(make_upload(user).pk)
        made = program.post("jobs/", {"uploads": [upload], "preset": preset, "recipe": given})
        assert made.status_code == 201, made.json()
        assert expected.items() <= made.json()["recipe"].items()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "required", "uploads"),
        ({"uploads": []}, "empty", "uploads"),
        ({"uploads": "x"}, "not_a_list", "uploads"),
        ({"uploads": ["x"]}, "invalid", "uploads.0"),
        ({"uploads": [str(uuid4())]}, "upload_not_ready", None),
        ({"uploads": [str(uuid4())], "recipe": {"format": "gif"}}, "invalid_format", "recipe.format"),
        ({"uploads": [str(uuid4())], "recipe": {"farbe": 1}}, "unknown_field", "recipe.farbe"),
        ({"uploads": [str(uuid4())], "recipe": {"model": "u3"}}, "invalid_model", "recipe.model"),
        ({"uploads": [str(uuid4())], "recipe": []}, "invalid", "recipe"),
        ({"uploads": [str(uuid4())], "preset": "none"}, "unknown_preset", "preset"),
        ({"uploads": [str(uuid4())], "title": 7}, "invalid", "title"),
    ],
)
def test_invalid_jobs(program: Program, body: Any, code: str, field: str | None) -> None:
    refused = program.post("jobs/", body)
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["field"]) == (code, field)
    assert not Job.objects.exists()


def test_a_refused_form_leaves_no_upload_behind(program: Program) -> None:
    refused = program.form("jobs/", {"pictures": [make_picture()], "model": "u3"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_model")
    assert not Upload.objects.exists()


def test_the_list_is_narrowed_and_sorted_as_the_history(program: Program, user: User) -> None:
    old, new = bare_job(user, 2, title="Old shoes"), bare_job(user, 1, title="New bags")
    tags.add(old, "autumn")

    def titles(query: str) -> list[str]:
        answer = program.get(f"jobs/?{query}")
        assert answer.status_code == 200, answer.json()
        return [job["title"] for job in answer.json()["results"]]

    assert titles("") == [new.title, old.title]
    assert titles("sort=pictures") == [old.title, new.title]
    assert titles("q=SHOES") == [old.title]
    assert titles("tag=autumn") == [old.title]
    assert titles("state=cancelled") == []
    assert titles("since=2000-01-01&until=2000-01-02") == []
    first = program.get("jobs/").json()["results"][1]
    assert (first["tags"], first["counts"]["queued"], first["picture_count"]) == (["autumn"], 2, 2)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=lost", "state"),
        ("since=tomorrow", "since"),
        ("tag=none", "tag"),
        ("sort=best", "sort"),
        ("q=" + "x" * 101, "q"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("after=x", "after"),
        ("before=%00", "before"),
        ("since=2026-02-02&until=2026-02-01", "until"),
    ],
)
def test_invalid_queries(program: Program, query: str, field: str) -> None:
    refused = program.get(f"jobs/?{query}")
    assert refused.status_code == 422
    assert refused.json()["field"] == field


def test_pages_link_forwards_and_backwards(program: Program, user: User) -> None:
    for number in range(5):
        bare_job(user, title=f"job {number}")
    seen = []
    page = program.get("jobs/?limit=2&sort=oldest").json()
    assert page["previous"] is None
    seen.append([job["title"] for job in page["results"]])
    while page["next"]:
        page = program.get(page["next"]).json()
        seen.append([job["title"] for job in page["results"]])
    assert seen == [["job 0", "job 1"], ["job 2", "job 3"], ["job 4"]]
    back = program.get(page["previous"]).json()
    assert [job["title"] for job in back["results"]] == seen[1]
    first = program.get(back["previous"]).json()
    assert [job["title"] for job in first["results"]] == seen[0]
    assert first["previous"] is None


def test_the_number_of_queries_does_not_grow(
    program: Program, user: User, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries(address: str) -> int:
        program.get(address)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert program.get(address).status_code == 200
        return len(seen)

    first = make_job(user, 1)
    complete(pictures_of(first)[0])
    tags.add(first, "one")
    one = queries("jobs/?limit=100")
    small = queries(f"jobs/{first.pk}/")
    few = queries(f"jobs/{first.pk}/pictures/?limit=100")
    for number in range(49):
        job = bare_job(user, 2)
        tags.add(job, f"tag {number % 7}")
    large = make_job(user, 50)
    for picture in pictures_of(large)[:25]:
        complete(picture)
    assert queries("jobs/?limit=100") == one
    assert len(program.get("jobs/?limit=100").json()["results"]) == 51
    assert queries(f"jobs/{large.pk}/pictures/?limit=100") == few
    # For an active job, the place in the queue needs a query.
    assert queries(f"jobs/{large.pk}/") <= small + 6
    assert one <= 8
