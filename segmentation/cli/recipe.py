"""The recipe as command-line options, one for each field."""

from __future__ import annotations

import argparse
from typing import Any, Final

from segmentation.errors import RecipeError
from segmentation.recipe import PRESETS, Field, Recipe, preset

# What differs on the command line from the field's own description.
_SYNTAX: Final = {
    "model": "a name, as in `weights list`",
    "background": "transparent, a colour (#fff, white, #ff000080), linear:#fff,#ddd,90, radial:#fff,#ccc, "
    "picture:FILE, picture:contain:FILE, blur:20",
}
_DEFAULTS: Final = {"format": "by the suffix of -o FILE, else png", "quality": "the format's own"}


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field. The recipe checks the values."""
    group = parser.add_argument_group("the recipe")
    names = ", ".join(PRESETS)
    group.add_argument(
        "--preset", metavar="NAME", choices=PRESETS, help=f"start from a named recipe: {names}"
    )
    for field in Recipe.described().values():
        group.add_argument(f"--{field.name.replace('_', '-')}", help=_help(field), **_kind(field))


def _kind(field: Field) -> dict[str, Any]:
    if field.switch:
        return {"action": "store_const", "const": "true"}
    if field.restricted:
        return {"choices": field.values}
    if isinstance(field.default, bool):
        return {"metavar": "true|false"}
    return {"metavar": field.name.rpartition("_")[2].upper()}


def _help(field: Field) -> str:
    """The sentence of the description, how the value is written, and the default."""
    text = field.help
    if syntax := _SYNTAX.get(field.name, field.syntax):
        text += f" Write {syntax}."
    if default := _DEFAULTS.get(field.name) or _default(field):
        text += f" Default: {default}."
    return text.replace("%", "%%")


def _default(field: Field) -> str:
    if field.switch:
        return ""
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return field.as_text(field.default)


def read_recipe(args: argparse.Namespace, format_of_file: str = "") -> Recipe:
    """The recipe of the parsed options, on top of the preset.

    format_of_file: the format that the result's name asks for; it overrides the preset's. Raises RecipeError
    `format_differs` if --format is another one.
    """
    base = preset(args.preset).recipe.as_strings() if args.preset else {}
    given = {name: text for name in Recipe.described() if (text := getattr(args, name)) is not None}
    chosen = given.get("format", base.get("format", "png"))
    # A .webp file may also be webp-lossless.
    if format_of_file and chosen.removesuffix("-lossless") != format_of_file:
        if "format" in given:
            sentence = f"The file named with -o is no {chosen}: leave --format out, or rename the file."
            raise RecipeError("format_differs", sentence, "format")
        given["format"] = format_of_file
    return Recipe.from_strings(base | given)
