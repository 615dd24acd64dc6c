"""What a moderator hid: its owner sees that and why, and every door to its files is closed."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import tokens
from jobs.errors import HiddenError
from jobs.models import Job, Matte, Picture, Rendition
from jobs.services import submit
from segmentation.recipe import Recipe
from tests.conftest import make_job
from tests.jobs.factories import complete_all, pictures_of
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]

PAGES = ["result", "preview", "thumb", "source"]
API = ["picture-result", "picture-preview", "picture-thumb", "picture-source"]


@pytest.fixture
def job(user: User) -> Job:
    """Two finished pictures."""
    return complete_all(make_job(user, 2))


@pytest.fixture
def program(user: User) -> Client:
    """A client of the API."""
    _, secret = tokens.create(user, "a program", ["read", "submit"])
    return Client(headers={"Authorization": f"Token {secret}"})


def hide(row: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(hidden_at=timezone.now())


def file_urls(picture: Picture) -> dict[str, str]:
    """All addresses that give a file of a picture."""
    rendition = Rendition.objects.get(picture=picture)
    matte = Matte.objects.get(picture=picture)
    return {
        **{name: reverse(f"jobs:{name}", args=[picture.pk]) for name in PAGES},
        **{name: reverse(f"api:{name}", args=[picture.pk]) for name in API},
        "rendition-file": reverse("api:rendition-file", args=[rendition.pk]),
        "matte-file": reverse("api:matte-file", args=[matte.pk]),
    }


@pytest.mark.parametrize("whole", [True, False])
def test_every_door_to_a_hidden_file_is_closed(
    whole: bool, job: Job, user: User, program: Client, client_of: Callable[[User], Client]
) -> None:
    picture, other = pictures_of(job)
    browser = client_of(user)
    doors, others = file_urls(picture), file_urls(other)
    answers = {name: (browser if name in PAGES else program).get(url) for name, url in doors.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(doors, 200)
    hide(job if whole else picture)
    for name, url in doors.items():
        answer = (browser if name in PAGES else program).get(url, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, "hidden"), name
    for name, url in others.items():
        expected = 403 if whole else 200
        assert (browser if name in PAGES else program).get(url).status_code == expected, name


def test_the_archive_leaves_a_hidden_picture_out_and_says_so(
    job: Job, user: User, client_of: Callable[[User], Client]
) -> None:
    hide(pictures_of(job)[0])
    answer = client_of(user).get(reverse("jobs:zip", args=[job.pk]))
    archive = zipfile.ZipFile(io.BytesIO(body_of(answer)))
    assert archive.namelist() == ["disc-1.png", "manifest.csv"]
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert [(row["picture"], row["file"], row["code"]) for row in rows] == [
        ("disc-0.png", "", "hidden"),
        ("disc-1.png", "disc-1.png", ""),
    ]


def test_a_hidden_job_has_no_archive(
    job: Job, user: User, program: Client, client_of: Callable[[User], Client]
) -> None:
    hide(job)
    page = client_of(user).get(reverse("jobs:zip", args=[job.pk]), headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert "A moderator hid this" in page.content.decode()
    assert program.get(reverse("api:job-results", args=[job.pk])).json()["code"] == "hidden"
    chosen = client_of(user).post(reverse("jobs:selected_download"), {"jobs": str(job.pk)})
    names = zipfile.ZipFile(io.BytesIO(body_of(chosen))).namelist()
    assert [name.rpartition("/")[2] for name in names] == ["manifest.csv"]


def test_the_owner_sees_that_a_picture_is_hidden_and_where_to_read_why(
    job: Job, user: User, program: Client, client_of: Callable[[User], Client]
) -> None:
    picture = pictures_of(job)[0]
    hide(picture)
    page = client_of(user).get(job.get_absolute_url()).content.decode()
    assert "A moderator hid this picture." in page
    assert reverse("jobs:preview", args=[picture.pk]) not in page
    assert reverse("jobs:decisions") in page
    shown = program.get(reverse("api:picture", args=[picture.pk])).json()
    assert shown["hidden_at"] is not None


def test_running_again_does_not_copy_what_is_hidden(job: Job, user: User) -> None:
    hide(pictures_of(job)[0])
    again = submit.again(job, Recipe(model="u2netp", format="webp"))
    assert [picture.name for picture in pictures_of(again)] == ["disc-1.png"]
    hide(job)
    job.refresh_from_db()
    with pytest.raises(HiddenError):
        submit.again(job, Recipe(model="u2netp", format="jpeg"))
    assert Job.objects.count() == 2


def test_nothing_new_is_rendered_of_a_hidden_picture(job: Job, program: Client) -> None:
    picture = pictures_of(job)[0]
    hide(picture)
    answer = program.post(
        reverse("api:picture-renditions", args=[picture.pk]),
        {"recipe": {"format": "webp"}},
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "hidden")
