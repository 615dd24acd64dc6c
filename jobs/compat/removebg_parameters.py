"""Maps every documented parameter of remove.bg, with its values and default, to a recipe."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from jobs.compat.errors import CompatError, quoted
from jobs.compat.shadows import shadow_of
from jobs.compat.types import type_of, x_type
from segmentation.errors import RecipeError
from segmentation.recipe import (
    Backdrop,
    Background,
    Colour,
    Length,
    Plain,
    Recipe,
    Region,
    Size,
    Transparent,
    reading,
)
from segmentation.recipe.reading import Margins, Original, Position

# In megapixels of the result.
LARGEST: Final = 50.0
SIZES: Final[dict[str, float]] = {
    "preview": 0.25,
    "small": 0.25,
    "regular": 0.25,
    "medium": 1.5,
    "hd": 4,
    "full": 25,
    "4k": 25,
    "50mp": LARGEST,
    # For the sake of old clients, auto is never larger than full, as at remove.bg since March 2024.
    "auto": 25,
}
PREVIEWS: Final = frozenset({"preview", "small", "regular"})
PNG_MEGAPIXELS: Final = 10.0
FORMATS: Final = {
    "auto": "",
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "webp": "webp",
    "zip": "zip",
}
_LENGTH = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*(px|%)?")


@dataclass(frozen=True)
class ParsedParameters:
    """The recipe, and the X-Type of the response (None: no header)."""

    recipe: Recipe
    type: str | None


@dataclass(frozen=True)
class BackgroundPicture:
    """A background picture: its SHA-256, and whether it may have transparent pixels."""

    digest: str
    transparent: bool


def read(
    fields: Mapping[str, str], *, preview_means_full: bool = False, behind: BackgroundPicture | None = None
) -> ParsedParameters:
    """The recipe and X-Type of these fields; missing fields take their defaults.

    Raises CompatError `invalid_<parameter>`, `roi_exceeds_bounds`, `roi_region_empty`.
    """
    # `auto` is not resolved by looking at the picture.
    kind = type_of(fields.get("type", "auto"))
    background = _background(fields, behind)
    alone = _one_of(fields, "channels", "rgba", {"rgba": "rgba", "alpha": "alpha"}) == "alpha"
    see_through = isinstance(background, Transparent) or not background.opaque
    if behind is not None:
        see_through = behind.transparent
    format = _one_of(fields, "format", "auto", FORMATS)
    if not format:
        format = "png" if see_through or alone else "jpeg"
    edges: str = settings.COMPAT_REFINE
    recipe = _checked(
        lambda: Recipe(
            model=settings.MODEL,
            refine=edges,
            roi=_region(fields),
            crop=_flag(fields, "crop", False),
            crop_margin=_margins(fields),
            scale=_scale(fields),
            position=_position(fields),
            background=background,
            shadow=shadow_of(fields, kind, _flag(fields, "add_shadow", False)),
            semitransparency=_flag(fields, "semitransparency", True),
            size=_size(fields, format, preview_means_full),
            format=format,
            channels="alpha" if alone and format != "zip" else "rgba",
        )
    )
    return ParsedParameters(recipe, x_type(fields, kind))


def _one_of(fields: Mapping[str, str], name: str, default: str, known: Mapping[str, str]) -> str:
    said = fields.get(name, default).lower()
    if said not in known:
        raise CompatError(
            f"invalid_{name}", f"{name} is one of {', '.join(known)}, not {quoted(fields[name])}."
        )
    return known[said]


def _flag(fields: Mapping[str, str], name: str, default: bool) -> bool:
    if name not in fields:
        return default
    try:
        return reading.read_flag(fields[name], name)
    except RecipeError as error:
        raise CompatError(f"invalid_{name}", error.sentence) from error


def _checked(make: Callable[[], Recipe]) -> Recipe:
    try:
        return make()
    except RecipeError as error:
        raise CompatError(error.code, error.sentence) from error


def _size(fields: Mapping[str, str], format: str, preview_means_full: bool) -> Size:
    said = fields.get("size", "preview").lower()
    if said not in SIZES:
        raise CompatError("invalid_size", f"size is one of {', '.join(SIZES)}, not {quoted(fields['size'])}.")
    most = SIZES["full" if preview_means_full and said in PREVIEWS else said]
    return Size(megapixels=min(most, largest(format)))


def largest(format: str) -> float:
    """The largest result in this format, in megapixels."""
    return PNG_MEGAPIXELS if format == "png" else LARGEST


def _region(fields: Mapping[str, str]) -> Region | None:
    if "roi" not in fields:
        return None
    parts = [_length(part, "roi") for part in fields["roi"].replace(",", " ").split()]
    if len(parts) != 4:
        raise CompatError("invalid_roi", "roi is four lengths: x1 y1 x2 y2, each in px or %.")
    if any(part.value < 0 or (part.unit == "%" and part.value > 100) for part in parts):
        raise CompatError("roi_exceeds_bounds", "roi reaches beyond the image.")
    region = Region(*parts)
    return None if region.whole else region


def check_region(recipe: Recipe, width: int, height: int) -> None:
    """Raises CompatError if the region leaves a picture of that size, or contains nothing of it."""
    try:
        if recipe.roi is not None:
            recipe.roi.box(width, height)
    except RecipeError as error:
        raise CompatError(error.code, error.sentence) from error


def _margins(fields: Mapping[str, str]) -> Margins:
    if "crop_margin" not in fields:
        return reading.NO_MARGINS
    parts = [_length(part, "crop_margin") for part in fields["crop_margin"].replace(",", " ").split()]
    for part in parts:
        if not 0 <= part.value <= (50 if part.unit == "%" else 500):
            raise CompatError("invalid_crop_margin", "A margin is at most 50% or 500px a side.")
    try:
        return reading.read_margins(parts)
    except RecipeError as error:
        raise CompatError("invalid_crop_margin", error.sentence) from error


def _length(text: str, name: str) -> Length:
    found = _LENGTH.fullmatch(text)
    if not found or not math.isfinite(float(found[1])):
        raise CompatError(f"invalid_{name}", f"{name} takes lengths such as 20px or 5%, not {quoted(text)}.")
    return Length(float(found[1]), "%" if found[2] == "%" else "px")


def _scale(fields: Mapping[str, str]) -> float | None:
    said = fields.get("scale", "original")
    refusal = CompatError("invalid_scale", f"scale is original or 10% to 100%, not {quoted(said)}.")
    try:
        scale = reading.read_scale(said)
    except RecipeError as error:
        raise refusal from error
    if scale is not None and scale < 10:
        raise refusal
    return scale


def _position(fields: Mapping[str, str]) -> Position | Original | None:
    # The default is `original`, or `center` if there is a scale. An explicit `original` holds with a scale
    # too.
    return reading.read_position(fields.get("position"))


def _background(fields: Mapping[str, str], behind: BackgroundPicture | None) -> Background:
    if behind is not None:
        return Backdrop(behind.digest)
    if "bg_color" not in fields:
        return Transparent()
    try:
        colour = Colour.read(fields["bg_color"], "bg_color")
    except RecipeError as error:
        raise CompatError("invalid_bg_color", error.sentence) from error
    return Plain(colour) if colour.alpha else Transparent()
