"""Recipes in pages and forms."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django import forms

from jobs.forms import RecipeForm, describe, options, read_recipe
from jobs.selectors.search import HistoryForm
from jobs.services import submit
from segmentation.recipe import PRESETS, Recipe


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "transparent PNG, fine edges, U²-Net"),
        ({"format": "jpeg", "refine": "best"}, "white JPEG, best edges, U²-Net"),
        ({"background": "#2f6f9f", "model": "u2netp"}, "#2f6f9f PNG, fine edges, U²-Net small"),
        ({"channels": "alpha", "refine": "off", "model": "own-one"}, "matte alone, raw edges, own-one"),
    ],
)
def test_a_recipe_is_described_in_one_line(given: dict[str, object], line: str) -> None:
    assert describe(Recipe.parse(given)) == line


@pytest.mark.parametrize(
    ("background", "own"),
    [
        ("transparent", ""),
        ("#ffffff", ""),
        ("#2f6f9f", "#2f6f9f"),
        ("linear:#fff,#000", ""),
        ("#00000080", ""),
    ],
)
def test_a_colour_without_a_swatch_is_custom(background: str, own: str) -> None:
    shown = options(Recipe.from_strings({"background": background}))
    (control,) = [control for control in shown.main if control.name == "background"]
    assert control.own == own


def test_every_field_has_a_control() -> None:
    shown = options(Recipe())
    controls = [*shown.main, *shown.more]
    assert [control.name for control in shown.main] == ["background", "refine", "format", "model"]
    assert sorted(control.name for control in controls) == sorted(Recipe.described())
    assert not shown.expanded
    assert options(Recipe(crop=True)).expanded


@pytest.mark.parametrize("preset", [*PRESETS])
def test_the_form_posts_the_recipe_that_it_shows(preset: str) -> None:
    recipe = Recipe.parse({**PRESETS[preset].recipe.as_dict(), "model": "u2netp"})
    shown = options(recipe)
    posted = {control.name: control.value for control in (*shown.main, *shown.more)}
    assert read_recipe(posted) == recipe
    for control in (*shown.main, *shown.more):
        checked = [option.value for option in control.options if option.checked]
        assert checked == ([control.value] if control.options and not control.own else [])


def test_an_unlisted_value_gets_an_option() -> None:
    shown = {
        control.name: control
        for control in options(
            Recipe.from_strings({"background": "linear:#fff,#000,90", "format": "avif", "model": "gone"})
        ).main
    }
    assert shown["background"].options[-1].value == "linear:#ffffff,#000000,90"
    assert [option.value for option in shown["format"].options] == ["png", "webp", "jpeg", "avif"]
    assert shown["model"].options[-1].value == "gone"


def test_forms_offer_the_registered_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGPLATFORM_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "my-shoes.json").write_text("{}")
    model = options(Recipe()).main[-1]
    assert [option.value for option in model.options] == ["u2net", "u2netp", "my-shoes"]
    assert [option.label for option in model.options] == ["U²-Net", "U²-Net small", "my-shoes"]
    form = RecipeForm(widgets={"choice": forms.Select, "text": forms.TextInput})
    assert [name for name, _ in form.fields["model"].choices] == ["", "u2net", "u2netp", "my-shoes"]  # type: ignore[attr-defined]
    assert ("my-shoes", "my-shoes") in [*HistoryForm.base_fields["model"].choices]  # type: ignore[attr-defined]
    assert submit.check(Recipe(model="my-shoes")) is None  # type: ignore[func-returns-value]


def test_labels_and_help_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.forms.gettext", lambda text: text if text == "Write %s." else text.upper())
    control = options(Recipe()).more[0]
    assert (control.label, control.options[0].label) == ("DOWNSCALING", "AUTOMATIC")
    assert control.help == "HOW THE PICTURE IS SCALED DOWN TO THE NETWORK'S INPUT."


def test_the_web_process_loads_no_torch() -> None:
    code = (
        "import django, sys; django.setup(); import jobs.forms; from segmentation.recipe import Recipe; "
        "jobs.forms.options(Recipe()); print(sorted({'torch', 'openvino', 'cv2'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
