"""Maps rembg's parameters to a recipe, with rembg's exact error messages.

rembg's server uses FastAPI, which collects all errors into one list. The behaviour was recorded from rembg
2.0.86 (tests/jobs/compat/rembg-2.0.86.json).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from django.conf import settings

from jobs.compat.body import MAX_FIELDS
from jobs.compat.errors import CompatError, shorten
from jobs.selectors import registered_models
from segmentation.recipe import Background, Colour, Plain, Recipe, Transparent

Place = dict[str, object]
# What pydantic accepts as bool and int.
_YES: Final = frozenset({"1", "true", "on", "yes", "t", "y"})
_NO: Final = frozenset({"0", "false", "off", "no", "f", "n"})
_INTEGER: Final = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*(?:\.0+)?")
_MAX_DIGITS: Final = 4300
# The numbers with their largest values. The order is the order of the errors.
_FLAGS_FIRST: Final = ("a",)
_NUMBERS: Final[dict[str, int | None]] = {"af": 255, "ab": 255, "ae": None}
_FLAGS: Final = ("om", "ppm", "dc", "vm")
_PART_OF_COLOUR: Final = re.compile(r"\s*[+-]?[0-9]{1,9}\s*", re.ASCII)


class ParameterError(CompatError):
    """Invalid parameters, each error in FastAPI's format."""

    def __init__(self, places: list[Place]) -> None:
        super().__init__("missing_source", str(places[0]["msg"]))
        self.places = places


def of_address(query: str) -> dict[str, str]:
    """The parameters of the query, including empty ones. Raises CompatError `invalid_body`."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise CompatError("invalid_body", f"An address has at most {MAX_FIELDS} parameters.") from error


def missing(source: str, name: str) -> Place:
    """The error for a missing required field."""
    return {"type": "missing", "loc": [source, name], "msg": "Field required", "input": None}


def recipe_of(
    fields: Mapping[str, str],
    *,
    source: str = "query",
    background: str = "",
    also_wrong: tuple[Place, ...] = (),
) -> Recipe:
    """The recipe of these parameters.

    source: where they come from, `query` or `body`. background: `bgc`, which is always in the query.
    also_wrong: errors that the caller found, listed last. Raises ParameterError with all errors.
    """
    wrong: list[Place] = []
    model = _model(fields, source, wrong)
    flags = {name: _flag(fields, source, name, wrong) for name in _FLAGS_FIRST}
    for name, most in _NUMBERS.items():
        _check_number(fields, source, name, most, wrong)
    flags |= {name: _flag(fields, source, name, wrong) for name in _FLAGS}
    behind = _background(background, wrong)
    wrong += also_wrong
    if wrong:
        raise ParameterError(wrong)
    matting = flags["a"] or flags["vm"]
    return Recipe(
        model=model,
        refine=_refinement(matting=matting, decontaminate=flags["dc"]),
        background=behind,
        # In rembg, too, matting turns the binary mask into soft edges again.
        binary=flags["ppm"] and (flags["om"] or not matting),
        channels="alpha" if flags["om"] else "rgba-always",
    )


def _refinement(*, matting: bool, decontaminate: bool) -> str:
    """`a` and `vm` select the best edges. `dc` asks for decontaminated colours, which all settings but `off`
    have.
    """
    usual: str = settings.COMPAT_REFINE
    if matting:
        return "best"
    return "fast" if decontaminate and usual == "off" else usual


def _model(fields: Mapping[str, str], source: str, wrong: list[Place]) -> str:
    said = fields.get("model")
    if said is None:
        return str(settings.MODEL)
    known = registered_models.names()
    if said not in known:
        pattern = f"^({'|'.join(map(re.escape, sorted(known)))})$"
        sentence = f"String should match pattern '{pattern}'"
        wrong.append(_place(source, "model", "string_pattern_mismatch", sentence, said, pattern=pattern))
    return said


def _flag(fields: Mapping[str, str], source: str, name: str, wrong: list[Place]) -> bool:
    said = fields.get(name, "false")
    if said.lower() not in _YES | _NO:
        sentence = "Input should be a valid boolean, unable to interpret input"
        wrong.append(_place(source, name, "bool_parsing", sentence, said))
    return said.lower() in _YES


def _check_number(
    fields: Mapping[str, str], source: str, name: str, most: int | None, wrong: list[Place]
) -> None:
    """The thresholds of rembg's alpha matting. They are validated but not used: our matting has none."""
    said = fields.get(name, "0")
    text = said.strip()
    if len(text) > _MAX_DIGITS:
        sentence = "Unable to parse input string as an integer, exceeded maximum size"
        wrong.append(_place(source, name, "int_parsing_size", sentence, said))
    elif not _INTEGER.fullmatch(text):
        sentence = "Input should be a valid integer, unable to parse string as an integer"
        wrong.append(_place(source, name, "int_parsing", sentence, said))
    elif (number := int(text.partition(".")[0])) < 0:
        sentence = "Input should be greater than or equal to 0"
        wrong.append(_place(source, name, "greater_than_equal", sentence, said, ge=0))
    elif most is not None and number > most:
        sentence = f"Input should be less than or equal to {most}"
        wrong.append(_place(source, name, "less_than_equal", sentence, said, le=most))


def _background(said: str, wrong: list[Place]) -> Background:
    """The background colour. Components are clipped to 0 to 255. rembg answers 500 for an invalid colour;
    here it is a validation error.
    """
    if not said:
        return Transparent()
    parts = said.split(",")
    if len(parts) not in (3, 4) or not all(map(_PART_OF_COLOUR.fullmatch, parts)):
        sentence = "Value error, bgc is r,g,b or r,g,b,a, each a whole number from 0 to 255"
        wrong.append(_place("query", "bgc", "value_error", sentence, said))
        return Transparent()
    colour = Colour(*(min(255, max(0, int(part))) for part in parts))
    return Plain(colour) if colour.alpha else Transparent()


def _place(source: str, name: str, kind: str, sentence: str, said: str, **context: object) -> Place:
    place: Place = {"type": kind, "loc": [source, name], "msg": sentence, "input": shorten(said)}
    return {**place, "ctx": context} if context else place
