"""A new recipe field: declared in the recipe only, it appears everywhere, and rows of the old version still
work.

The field `flip` and version 2 exist in this module only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

# Imported before the recipe is replaced: a module that is imported later would keep the replacement.
import bgplatform.urls
import jobs.worker.processing
import jobs.worker.rendering
import segmentation.recipe
from accounts.models import User
from jobs import storage
from jobs.api.fields import RecipeField, RecipeFieldSchema, StoredRecipeField, StoredRecipeFieldSchema
from jobs.api.serializers.jobs import NewJobOfFiles
from jobs.forms import RecipeForm
from jobs.models import Discard, Job, Preset, Rendition, RenditionRequest
from jobs.services import lines, presets, removal
from segmentation.cli import recipe as cli
from segmentation.recipe import Recipe, versions
from segmentation.recipe.field import flag
from tests.conftest import make_job, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import complete, pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

OLD = Recipe.from_strings(
    {"model": "u2netp", "crop": "true", "crop_margin": "4%", "shadow": "drop", "size": "800x600"}
)
assert bgplatform.urls
assert jobs.worker.processing
assert jobs.worker.rendering


@dataclass(frozen=True, slots=True)
class Flippable(Recipe):
    """The recipe of the next release. This block is all that a developer writes for the field."""

    flip: bool = flag(default=False, label="Flip", help="Mirror the result.", decides="pixels")


def add_flip(stored: dict[str, object]) -> dict[str, object]:
    return {**stored, "flip": False}


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Returns a function that switches to the next release: `flip` exists, and recipes have version 2."""

    def go() -> None:
        for name, module in list(sys.modules.items()):
            ours = name.partition(".")[0] in ("jobs", "segmentation", "bgplatform")
            if ours and vars(module).get("Recipe") is Recipe:
                monkeypatch.setattr(module, "Recipe", Flippable)
        monkeypatch.setattr(versions, "STEPS", (add_flip,))

    return go


@pytest.fixture
def job(user: User) -> Job:
    """A finished job of this release."""
    job = make_job(user, recipe=OLD)
    complete(pictures_of(job)[0])
    assert job.recipe["version"] == 1
    assert "flip" not in job.recipe
    return job


def without_flip(recipe: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in recipe.items() if key not in ("flip", "version")}


def test_digests_of_stored_recipes_stay_cache_keys(release: Callable[[], None], job: Job) -> None:
    old = (job.recipe_digest, OLD.matte_digest)
    release()
    read = segmentation.recipe.Recipe.stored(job.recipe)
    assert (type(read), read.flip) == (Flippable, False)  # type: ignore[attr-defined]
    assert (read.digest, read.matte_digest) == old
    flipped = Flippable.parse({**read.as_dict(), "flip": True})
    assert flipped.digest != read.digest
    assert flipped.matte_digest == read.matte_digest
    assert read.as_dict() == {**OLD.as_dict(), "version": 2, "flip": False}


def test_the_job_page_and_again(
    release: Callable[[], None], job: Job, client_of: Callable[[User], Client]
) -> None:
    release()
    browser = client_of(job.user)
    page = browser.get(job.get_absolute_url())
    assert page.status_code == 200
    assert 'name="flip"' in page.content.decode()
    browser.post(f"/jobs/{job.pk}/again/", {"flip": "true"})
    new = Job.objects.exclude(pk=job.pk).get()
    assert (new.recipe["flip"], new.recipe["version"]) == (True, 2)
    assert without_flip(new.recipe) == without_flip(OLD.as_dict())


def test_again_by_the_api(release: Callable[[], None], job: Job, user: User) -> None:
    release()
    said = Program(user).post(f"jobs/{job.pk}/again/", {"recipe": {"flip": True}})
    assert said.status_code == 201, said.content
    assert said.json()["recipe"] == {**OLD.as_dict(), "version": 2, "flip": True}


def test_answers_show_old_rows_in_the_new_version(release: Callable[[], None], job: Job, user: User) -> None:
    release()
    program = Program(user)
    shown = program.get(f"jobs/{job.pk}/").json()["recipe"]
    assert (shown["version"], shown["flip"], shown["size"]) == (2, False, {"width": 800, "height": 600})
    (rendition,) = program.get(f"pictures/{pictures_of(job)[0].pk}/renditions/").json()["results"]
    assert (rendition["recipe"]["version"], rendition["recipe"]["flip"]) == (2, False)


def test_a_job_of_the_old_version_is_deleted_with_the_files_of_an_aborted_attempt(
    release: Callable[[], None], user: User
) -> None:
    job = make_job(user, recipe=OLD)
    (picture,) = pictures_of(job)
    assert lines.PICTURES.claim(picture.pk)
    key = storage.rendition_key(picture.pk, 1, OLD.digest, OLD.extension)
    release()
    removal.delete_jobs([job.pk])
    assert not Job.objects.exists()
    assert Discard.objects.filter(key=key).exists()


def test_renditions_of_old_mattes(release: Callable[[], None], job: Job, user: User) -> None:
    (picture,) = pictures_of(job)
    program = Program(user)
    address = f"pictures/{picture.pk}/renditions/"
    waiting = program.post(address, {"recipe": {"format": "webp"}}).json()
    release()
    same = program.post(address, {"recipe": {"format": "webp"}})
    assert (same.status_code, same.json()["id"]) == (202, waiting["id"]), "the request of the old version"
    flipped = program.post(address, {"recipe": {"flip": True}})
    assert flipped.status_code == 202, flipped.content
    assert RenditionRequest.objects.get(pk=flipped.json()["id"]).recipe["flip"] is True
    assert Rendition.objects.get(picture=picture).recipe["version"] == 1, "rows are not rewritten"


def test_presets_of_the_old_version(release: Callable[[], None], user: User) -> None:
    presets.save(user, "shop", "Shop", OLD)
    release()
    program = Program(user)
    assert program.get("presets/shop/").json()["recipe"] == {**OLD.as_dict(), "version": 2, "flip": False}
    body = {"uploads": [str(make_upload(user).pk)], "preset": "shop", "recipe": {"flip": True}}
    made = program.post("jobs/", body)
    assert made.status_code == 201, made.content
    assert made.json()["recipe"] == {**OLD.as_dict(), "version": 2, "flip": True}
    built_in = program.post(
        "jobs/", {"uploads": [str(make_upload(user).pk)], "preset": "sticker", "recipe": {"flip": True}}
    )
    assert (built_in.status_code, built_in.json()["recipe"]["flip"]) == (201, True)
    assert Preset.objects.get().recipe["version"] == 1


def test_the_field_is_in_the_schema_the_serializer_the_admin_form_and_the_command_line(
    release: Callable[[], None], client_of: Callable[[User], Client], user: User
) -> None:
    release()
    asked = RecipeFieldSchema(RecipeField()).map_serializer_field(None, "request")["properties"]
    assert asked["version"] == {"enum": [2], "type": "integer"}
    assert asked["flip"] == {
        "description": "Mirror the result.",
        "type": ["boolean", "string", "null"],
        "default": False,
    }
    assert "flip" in StoredRecipeFieldSchema(StoredRecipeField()).map_serializer_field(None, "r")["required"]
    assert "flip" in NewJobOfFiles().get_fields()
    widgets = jobs.admin.actions._WIDGETS
    assert RecipeForm({"flip": "true"}, widgets=widgets).fields["flip"].label == "Flip"
    assert 'name="flip"' in client_of(user).get("/").content.decode()

    parser = argparse.ArgumentParser()
    cli.add_recipe_arguments(parser)
    assert "Mirror the result. Default: false." in " ".join(parser.format_help().split())
    assert cli.read_recipe(parser.parse_args(["--flip", "true"])).as_dict()["flip"] is True


def test_input_stays_strict(release: Callable[[], None], user: User) -> None:
    old = OLD.as_dict()
    release()
    upload = str(make_upload(user).pk)
    refused = Program(user).post("jobs/", {"uploads": [upload], "recipe": old})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_version")
