"""The recipe as command-line options: one for each of its fields."""

from __future__ import annotations

import argparse

from segmentation.errors import RecipeError
from segmentation.recipe import CHANNELS, FORMATS, METADATA, PRESETS, REFINEMENTS, SHRINKS, Recipe, preset

_FIELDS = (
    ("model", "MODEL", "a model's name, as in `weights list` (default: u2net)"),
    (
        "refine",
        None,
        "edges: off is the network's own map, enlarged; fast and best follow the picture (default: fast)",
    ),
    ("shrink", None, "the way down to the network's 320×320; plain is the training's own (default: auto)"),
    (
        "roi",
        "'X1 Y1 X2 Y2'",
        "only what lies inside counts as foreground; px or %%, as '10%% 0%% 90%% 100%%'",
    ),
    (
        "crop_margin",
        "MARGIN",
        "left around a cropped subject: 1, 2 or 4 values in px or %%, as '5%%' or '10px 20px'",
    ),
    ("scale", "PERCENT", "the subject's size in %% of the canvas, 10%% to 100%%; puts it in the middle"),
    ("position", "'X Y'", "where the subject goes: center, original, or two values in %%"),
    (
        "background",
        "WHAT",
        "transparent, a colour (#fff, white, #ff000080), linear:#fff,#ddd,90, radial:#fff,#ccc, "
        "picture:FILE, picture:contain:FILE, blur:20 (default: transparent)",
    ),
    (
        "shadow",
        "WHAT",
        "drop or contact, or with its parts: 'drop:opacity=45,blur=2%%,offset=1%% 2%%,colour=#000' "
        "(default: none)",
    ),
    ("semitransparency", "true|false", "false: what is half seen becomes seen or not (default: true)"),
    ("binary", "true|false", "true: a matte of 0 and 255 only, its outline smoothed (default: false)"),
    (
        "size",
        "SIZE",
        "at most so many megapixels (2mp), or exactly so many pixels (800x600) (default: the source's)",
    ),
    ("format", None, "of the file (default: by the suffix of -o FILE, else png)"),
    ("quality", "1-100", "of jpeg, webp, avif and the colours of a zip (default: the format's own)"),
    ("metadata", None, "EXIF, resolution, artist and copyright of the source (default: strip)"),
    (
        "channels",
        None,
        "rgba, rgba-always (an opaque result has an alpha channel, too) or alpha, the grey matte alone "
        "(default: rgba)",
    ),
)
_CHOICES = {
    "refine": REFINEMENTS,
    "shrink": SHRINKS,
    "format": FORMATS,
    "metadata": METADATA,
    "channels": CHANNELS,
}


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for each field of the recipe; values are checked by the recipe itself."""
    group = parser.add_argument_group("the recipe: what is wanted")
    names = ", ".join(PRESETS)
    group.add_argument(
        "--preset", metavar="NAME", choices=PRESETS, help=f"start from a named recipe: {names}"
    )
    group.add_argument("--crop", action="store_true", default=None, help="cut the empty border away")
    for field, metavar, text in _FIELDS:
        group.add_argument(
            f"--{field.replace('_', '-')}", metavar=metavar, choices=_CHOICES.get(field), help=text
        )


def read_recipe(args: argparse.Namespace, format_of_file: str = "") -> Recipe:
    """The recipe of the parsed options, over the preset's fields if one is named.

    format_of_file: what the result's name asks for; it goes before the preset's. Raises RecipeError, code
    `format_differs` where --format is another one.
    """
    base = preset(args.preset).recipe.as_strings() if args.preset else {}
    given = {field: getattr(args, field) for field, _, _ in _FIELDS if getattr(args, field) is not None}
    if args.crop:
        given["crop"] = "true"
    chosen = given.get("format", base.get("format", "png"))
    # webp-lossless is written to .webp files, too.
    if format_of_file and chosen.removesuffix("-lossless") != format_of_file:
        if "format" in given:
            sentence = f"The file named with -o is no {chosen}: leave --format out, or rename the file."
            raise RecipeError("format_differs", sentence, "format")
        given["format"] = format_of_file
    return Recipe.from_strings(base | given)
