"""Reading a recipe from a page's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from django.conf import settings

from segmentation.recipe import Recipe

FIELDS = frozenset(field.name for field in fields(Recipe))


def read_recipe(form: Mapping[str, str]) -> Recipe:
    """The recipe of the form's fields; others (files, tokens) are not its business.

    Raises RecipeError, which names the field.
    """
    given = {name: form[name] for name in FIELDS if form.get(name)}
    return Recipe.from_strings({"model": settings.MODEL, **given})
