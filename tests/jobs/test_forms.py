"""What a page says of a recipe, and what its form shows as chosen."""

from __future__ import annotations

import pytest

from jobs.forms import describe, options
from segmentation.recipe import Recipe


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "transparent PNG, fine edges, U²-Net"),
        ({"format": "jpeg", "refine": "best"}, "white JPEG, best edges, U²-Net"),
        ({"background": "#2f6f9f", "model": "u2netp"}, "#2f6f9f PNG, fine edges, U²-Net small"),
        ({"channels": "alpha", "refine": "off", "model": "own-one"}, "matte alone, raw edges, own-one"),
    ],
)
def test_a_recipe_in_a_line(given: dict[str, object], line: str) -> None:
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
def test_a_colour_without_a_button_is_ones_own(background: str, own: str) -> None:
    shown = options(Recipe.from_strings({"background": background}))
    (control,) = [control for control in shown.main if control.name == "background"]
    assert control.own == own
