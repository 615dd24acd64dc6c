"""Thumbs on the job page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.models import Feedback, Picture
from tests.conftest import make_job
from tests.jobs.factories import complete, pictures_of

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
JSON = {"Accept": "application/json"}


@pytest.fixture
def picture(user: User) -> Picture:
    found = pictures_of(make_job(user, 2))[0]
    complete(found)
    return found


def test_a_form_without_scripts(user: User, client_of: SignIn, picture: Picture) -> None:
    client, address = client_of(user), reverse("jobs:feedback", args=[picture.pk])
    card = f"{picture.job.get_absolute_url()}#picture-{picture.pk}"
    page = client.get(picture.job.get_absolute_url()).content.decode()
    assert page.count('class="thumbs"') == 1, "only the finished picture can be judged"
    assert 'name="reasons"' not in page
    assert client.post(address, {"verdict": "down"})["Location"] == card
    page = client.get(card).content.decode()
    assert len(re.findall(r'name="reasons" value="\w+"', page)) == 6
    assert '<details class="thumbs__why" open>' in page
    client.post(address, {"verdict": "down", "reasons": ["other", "hair"], "words": " Frayed. "})
    saved = Feedback.objects.get()
    assert (saved.verdict, saved.reasons, saved.words) == ("down", ["hair", "other"], "Frayed.")
    page = client.get(card).content.decode()
    assert re.findall(r'name="reasons" value="(\w+)" checked', page) == ["hair", "other"]
    assert "Hair or fur is cut off, Something else" in page
    assert '<details class="thumbs__why">' in page
    client.post(address, {"verdict": "up"})
    assert Feedback.objects.get().reasons == []
    client.post(address, {"verdict": "none"})
    assert not Feedback.objects.exists()


def test_a_script_gets_the_new_form(user: User, client_of: SignIn, picture: Picture) -> None:
    client, address = client_of(user), reverse("jobs:feedback", args=[picture.pk])
    answer = client.post(address, {"verdict": "up"}, headers=JSON).json()
    assert answer["verdict"] == "up"
    assert re.findall(r'value="(\w+)" aria-pressed="(\w+)"', answer["html"]) == [
        ("none", "true"),
        ("down", "false"),
    ]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 422, "invalid_verdict"),
        ({"verdict": "down", "reasons": "ugly"}, 422, "invalid_reason"),
        ({"verdict": "down", "words": "x" * 2001}, 422, "max_length"),
        ({"verdict": "down", "words": "a\0b"}, 422, "null_character"),
    ],
)
def test_what_is_refused(
    user: User, client_of: SignIn, picture: Picture, sent: dict[str, str], status: int, code: str
) -> None:
    client, address = client_of(user), reverse("jobs:feedback", args=[picture.pk])
    refused = client.post(address, sent, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    page = client.post(address, sent, follow=True).content.decode()
    assert refused.json()["sentence"] in page
    assert not Feedback.objects.exists()


def test_a_picture_on_a_later_page_leads_back_there(user: User, client_of: SignIn, picture: Picture) -> None:
    Picture.objects.filter(pk=picture.pk).update(position=75)
    answer = client_of(user).post(reverse("jobs:feedback", args=[picture.pk]), {"verdict": "up"})
    assert answer["Location"].endswith(f"/?from=75#picture-{picture.pk}")
