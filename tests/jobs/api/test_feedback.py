"""Thumbs by the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from jobs.models import Feedback, Matte, Rendition
from jobs.services import feedback
from segmentation.recipe import Recipe
from tests.conftest import make_job
from tests.jobs.api.program import Program
from tests.jobs.at_once import at_once
from tests.jobs.factories import complete, pictures_of

pytestmark = pytest.mark.django_db


def test_a_thumb_with_reasons_changed_and_taken_back(program: Program, user: User) -> None:
    recipe = Recipe(model="u2netp", refine="best")
    picture = pictures_of(make_job(user, recipe=recipe))[0]
    complete(picture)
    address = f"pictures/{picture.pk}/feedback/"
    assert program.get(address).status_code == 404
    down = {"verdict": "down", "reasons": ["hole", "hair", "hole"], "words": "The curls are gone."}
    first = program.ask("put", address, down)
    assert first.status_code == 200
    said = first.json()
    del said["updated_at"]
    assert said == {
        "picture": str(picture.pk),
        "verdict": "down",
        "reasons": ["hair", "hole"],
        "words": "The curls are gone.",
        "model": "u2netp",
        "refinement": "best",
        "matte_revision": 1,
        "recipe_digest": recipe.digest,
    }
    changed = program.ask("put", address, {"verdict": "up"})
    assert (changed.json()["verdict"], changed.json()["reasons"], changed.json()["words"]) == ("up", [], "")
    assert program.get(address).json() == changed.json()
    assert Feedback.objects.get().origin == "web"
    assert program.ask("delete", address).status_code == 204
    assert not Feedback.objects.exists()
    assert program.ask("delete", address).status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "verdict", "required"),
        ({"verdict": "sideways"}, "verdict", "invalid_choice"),
        ({"verdict": "down", "reasons": ["ugly"]}, "reasons.0", "invalid_choice"),
        ({"verdict": "up", "reasons": ["hair"]}, "reasons", "reasons_of_up"),
        ({"verdict": "up", "words": "x" * 2001}, "words", "max_length"),
        ({"verdict": "up", "mood": 1}, "mood", "unknown_field"),
        ({"rating": 4}, "rating", "rating_replaced"),
    ],
)
def test_what_is_refused(program: Program, user: User, body: Any, field: str, code: str) -> None:
    picture = pictures_of(make_job(user))[0]
    complete(picture)
    refused = program.ask("put", f"pictures/{picture.pk}/feedback/", body)
    assert (refused.status_code, refused.json()["field"], refused.json()["code"]) == (422, field, code)
    assert not Feedback.objects.exists()
    if code == "rating_replaced":
        assert refused.json()["sentence"] == (
            "Ratings from 1 to 5 are no longer accepted. Send the verdict “up” or “down” instead."
        )


def test_a_picture_without_a_result_gets_no_thumb(program: Program, user: User, stranger: User) -> None:
    picture = pictures_of(make_job(user))[0]
    address = f"pictures/{picture.pk}/feedback/"
    early = program.ask("put", address, {"verdict": "up"})
    assert (early.status_code, early.json()["code"]) == (409, "no_result")
    complete(picture)
    assert Program(stranger).ask("put", address, {"verdict": "down"}).status_code == 404
    assert not Feedback.objects.exists()


def test_a_verdict_stays_about_what_was_seen(user: User) -> None:
    picture = pictures_of(make_job(user))[0]
    rendition = complete(picture)
    given = feedback.give(picture, "down", ["hair"])
    matte = Matte.objects.create(
        picture=picture, revision=2, origin="brush", matte_digest="d", key="k", width=8, height=6
    )
    Rendition.objects.create(
        picture=picture,
        matte=matte,
        recipe=rendition.recipe,
        recipe_digest=rendition.recipe_digest,
        key="other",
        media_type="image/png",
        extension="png",
        size=1,
        width=8,
        height=6,
    )
    given.refresh_from_db()
    assert (given.matte_revision, given.verdict) == (1, "down")
    assert feedback.give(picture, "up").matte_revision == 2


@pytest.mark.django_db(transaction=True)
def test_two_at_once_leave_one(user: User) -> None:
    picture = pictures_of(make_job(user))[0]
    complete(picture)
    given = at_once(lambda number: feedback.give(picture, ("up", "down")[number % 2]), 4)
    assert [type(one) for one in given] == [Feedback] * 4
    assert Feedback.objects.get().verdict in {"up", "down"}
