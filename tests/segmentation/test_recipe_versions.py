"""Stored recipes: old versions are upgraded step by step, and new fields change no digest."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import pytest

from segmentation.cli.recipe import add_recipe_arguments, read_recipe
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe, versions
from segmentation.recipe.field import Choice, choice


def rename_margin(recipe: dict[str, object]) -> dict[str, object]:
    return {("crop_margin" if name == "margin" else name): value for name, value in recipe.items()}


def halve_scale(recipe: dict[str, object]) -> dict[str, object]:
    return {**recipe, "scale": "40%"} if recipe.get("scale") == "80%" else recipe


def test_steps_run_in_order_from_the_stored_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "STEPS", (rename_margin, halve_scale))
    old = {"version": 1, "crop": True, "margin": ["5%"], "scale": "80%"}
    assert Recipe.stored(old) == Recipe.parse({"crop": True, "crop_margin": "5%", "scale": "40%"})
    newer = {"version": 2, "crop": True, "crop_margin": ["5%"], "scale": "80%"}
    assert Recipe.stored(newer) == Recipe.stored(old)
    assert Recipe.stored({**newer, "version": 3}).scale == 80
    assert Recipe().as_dict()["version"] == 3
    assert Recipe.stored({"crop": True, "margin": "5%"}).crop_margin[0].value == 5, (
        "no version means the first"
    )


@pytest.mark.parametrize("version", [0, 2, -1, True, "1", 1.5, None])
def test_an_unknown_version_is_refused(version: object) -> None:
    with pytest.raises(RecipeError, match="reads versions 1 to 1") as refused:
        Recipe.stored({"version": version})
    assert (refused.value.code, refused.value.field) == ("unknown_version", "version")


def test_steps_change_no_digest_of_the_current_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    before = (Recipe().digest, Recipe().matte_digest)
    monkeypatch.setattr(versions, "STEPS", (rename_margin,))
    assert (Recipe().digest, Recipe().matte_digest) == before


@dataclass(frozen=True, slots=True)
class Sharper(Recipe):
    """A recipe with a new field that decides the matte."""

    sharpen: str = choice(
        Choice("no", "No"),
        Choice("some", "Some"),
        label="Sharpen",
        help="Before the network.",
        decides="matte",
    )


def test_a_new_field_is_part_of_digests_only_beside_its_default() -> None:
    assert (Sharper().digest, Sharper().matte_digest) == (Recipe().digest, Recipe().matte_digest)
    some = Sharper(sharpen="some")
    assert len({some.digest, some.matte_digest, Recipe().digest, Recipe().matte_digest}) == 4
    assert Sharper.matte_fields() == ("model", "refine", "shrink", "roi", "sharpen")
    assert Sharper.stored(Recipe().as_dict()) == Sharper()
    with pytest.raises(RecipeError, match="sharpen is one of no, some, not 'much'") as refused:
        Sharper.parse({"sharpen": "much"})
    assert (refused.value.code, refused.value.field) == ("invalid_sharpen", "sharpen")


def test_every_field_says_what_it_is() -> None:
    for name, field in Recipe.described().items():
        assert (field.name, field.label != "", field.help[-1]) == (name, True, ".")
        if field.default is not None:
            assert field.read(field.default, name) == field.default
        assert field.schema()["description"].startswith(field.help)


def test_every_field_is_an_option_of_the_command_line() -> None:
    parser = argparse.ArgumentParser()
    add_recipe_arguments(parser)
    given = ["--crop", "--crop-margin", "5%", "--binary", "true", "--format", "webp", "--roi", "1 1 9 9"]
    expected = {"crop": True, "crop_margin": "5%", "binary": True, "format": "webp", "roi": "1 1 9 9"}
    assert read_recipe(parser.parse_args(given)) == Recipe.parse(expected)
    options = {option for action in parser._actions for option in action.option_strings}
    assert {f"--{name.replace('_', '-')}" for name in Recipe.described()} <= options
