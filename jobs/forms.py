"""Reading a recipe from a page's form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields

from django.conf import settings

from segmentation.recipe import Recipe

_COLOUR = re.compile(r"#[0-9a-f]{6}")
FIELDS = frozenset(field.name for field in fields(Recipe))


EDGES = {"fast": "fine edges", "best": "best edges", "off": "raw edges"}
MODELS = {"u2net": "U²-Net", "u2netp": "U²-Net small"}
BACKGROUNDS = {"transparent": "transparent", "#ffffff": "white", "#e6e6e6": "grey", "#000000": "black"}


def choices(recipe: Recipe) -> dict[str, str]:
    """What the options' form shows as chosen; `own` is a colour beside those that have a button."""
    chosen = recipe.as_strings()
    own = chosen["background"] if chosen["background"] not in BACKGROUNDS else ""
    return {**chosen, "own": own if _COLOUR.fullmatch(own) else ""}


def describe(recipe: Recipe) -> str:
    """A recipe in a line: `white JPEG, best edges, U²-Net`."""
    chosen = recipe.as_strings()
    background = BACKGROUNDS.get(chosen["background"], chosen["background"])
    kind = f"{background} {chosen['format'].upper()}" if recipe.channels != "alpha" else "matte alone"
    return ", ".join([kind, EDGES[recipe.refine], MODELS.get(recipe.model, recipe.model)])


def read_recipe(form: Mapping[str, str]) -> Recipe:
    """The recipe of the form's fields; others (files, tokens) are not its business.

    Raises RecipeError, which names the field.
    """
    given = {name: form[name] for name in FIELDS if form.get(name)}
    return Recipe.from_strings({"model": settings.MODEL, **given})
