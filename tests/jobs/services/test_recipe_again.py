"""Running a job again keeps its whole recipe and changes only the given fields: page, admin and API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.forms import read_recipe
from jobs.models import Job
from jobs.services import presets
from segmentation.recipe import PRESETS, Recipe
from tests.conftest import make_job
from tests.jobs.api.program import Program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

FIRST = Recipe.from_strings(
    {
        "model": "u2netp",
        "crop": "true",
        "crop_margin": "4%",
        "scale": "85%",
        "shadow": "contact",
        "size": "800x600",
        "background": "linear:#fff,#eee,90",
        "format": "avif",
        "quality": "50",
        "metadata": "keep",
    }
)


@pytest.fixture
def job(user: User) -> Job:
    return make_job(user, recipe=FIRST)


def run_of(job: Job) -> dict[str, Any]:
    """Returns the recipe of the only other job."""
    recipe: dict[str, Any] = Job.objects.exclude(pk=job.pk).get().recipe
    return recipe


def test_the_page_changes_only_the_given_fields(job: Job, client_of: Callable[[User], Client]) -> None:
    client_of(job.user).post(f"/jobs/{job.pk}/again/", {"format": "webp", "refine": "best"})
    assert run_of(job) == {**FIRST.as_dict(), "format": "webp", "refine": "best"}


def test_an_emptied_field_on_the_page_gets_its_default(job: Job, client_of: Callable[[User], Client]) -> None:
    client_of(job.user).post(f"/jobs/{job.pk}/again/", {"shadow": "", "size": "  ", "quality": "60"})
    assert run_of(job) == {**FIRST.as_dict(), "shadow": None, "size": None, "quality": 60}


def test_the_api_changes_only_the_given_fields(job: Job) -> None:
    said = Program(job.user).post(f"jobs/{job.pk}/again/", {"recipe": {"format": "webp", "size": None}})
    assert said.status_code == 201, said.content
    assert run_of(job) == {**FIRST.as_dict(), "format": "webp", "size": None}


def test_the_api_without_fields_keeps_the_recipe(job: Job) -> None:
    assert Program(job.user).post(f"jobs/{job.pk}/again/").status_code == 201
    assert run_of(job) == FIRST.as_dict()


def test_a_preset_replaces_all_but_the_model(job: Job) -> None:
    recipe = presets.recipe_again(job, "sticker", {"quality": 70})
    assert recipe.as_dict() == {**PRESETS["sticker"].recipe.as_dict(), "model": "u2netp", "quality": 70}


def test_the_admin_changes_only_the_given_fields(
    job: Job, make_user: Callable[..., User], client_of: Callable[[User], Client]
) -> None:
    root = client_of(make_user("root@example.org", is_staff=True, is_superuser=True))
    asked = {"action": "again_chosen", "_selected_action": [str(job.pk)], "again": "yes"}
    wrong = root.post("/admin/jobs/job/", {**asked, "scale": "101%"}, follow=True).content.decode()
    assert "scale must be a number from 1 to 100" in wrong
    assert Job.objects.count() == 1
    root.post("/admin/jobs/job/", {**asked, "background": "#ffffff", "size": "original"}, follow=True)
    white = {"kind": "colour", "colour": "#ffffff"}
    assert run_of(job) == {**FIRST.as_dict(), "background": white, "size": None}


def test_a_new_job_starts_from_the_defaults_and_the_default_model() -> None:
    assert read_recipe({"crop": "true", "model": "", "uploads": "x"}) == Recipe(model="u2netp", crop=True)
