"""Readers: from JSON values, form fields and command-line options to the parts of a recipe.

A reader takes a JSON value or its text, and also its own result. It raises RecipeError that names the field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from segmentation.recipe.parts import (
    SHADOWS,
    Backdrop,
    Background,
    Blurred,
    Gradient,
    Plain,
    Region,
    Shadow,
    Size,
    Transparent,
)
from segmentation.recipe.values import NOTHING, Colour, Length, read_number, refuse

MAX_SIDE = 16384
MAX_MEGAPIXELS = 100.0
_EXACT = re.compile(r"(\d{0,6})\s*[x×X]\s*(\d{0,6})")
_ANGLE = re.compile(r"[+-]?\d+(\.\d+)?(deg)?")
_YES = {"true", "1", "yes", "on"}
_NO = {"false", "0", "no", "off"}

Margins = tuple[Length, Length, Length, Length]
Position = tuple[float, float]
# A scaled subject keeps its centre where it was.
Original = Literal["original"]
ORIGINAL: Final = "original"

NO_MARGINS: Margins = (NOTHING, NOTHING, NOTHING, NOTHING)


def read_choice(value: object, field: str, choices: Sequence[str]) -> str:
    """One of `choices`, written in any case."""
    if isinstance(value, str) and value.strip().lower() in choices:
        return value.strip().lower()
    raise refuse(field, f"{field} is one of {', '.join(choices)}, not {value!r}.")


def read_flag(value: object, field: str) -> bool:
    """true or false, or the words and digits that forms send for them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _YES | _NO:
        return value.strip().lower() in _YES
    raise refuse(field, f"{field} is true or false, not {value!r}.")


def _items(value: object, field: str) -> list[object]:
    """The members of a JSON list, or of text separated by blanks or commas."""
    if isinstance(value, str):
        return list(value.replace(",", " ").split())
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [value]
    raise refuse(field, f"{field} is a list of values, not {value!r}.")


def _keys(value: Mapping[str, object], field: str, allowed: Sequence[str]) -> None:
    for key in value:
        if key not in allowed:
            raise refuse(field, f"{field} has no part {key!r}; its parts are {', '.join(allowed)}.")


def read_region(value: object, field: str = "roi") -> Region | None:
    """`x1 y1 x2 y2`, each px or %. The whole picture is None."""
    if isinstance(value, Region):
        return None if value.whole else value
    items = _items(value, field)
    if len(items) != 4:
        raise refuse(field, f"roi is four lengths: left top right bottom, not {value!r}.")
    left, top, right, bottom = (Length.read(item, field, 0, 1_000_000, 100) for item in items)
    for low, high in ((left, right), (top, bottom)):
        if low.unit == high.unit and low.value >= high.value:
            raise refuse(
                field, f"roi {low} to {high} holds nothing: the second length must be the larger one."
            )
    region = Region(left, top, right, bottom)
    return None if region.whole else region


def read_margins(value: object, field: str = "crop_margin") -> Margins:
    """One length for all sides, two (vertical, horizontal) or four (top, right, bottom, left)."""
    read = [Length.read(item, field, 0, 5000, 100) for item in _items(value, field)]
    if len(read) == 1:
        return (read[0], read[0], read[0], read[0])
    if len(read) == 2:
        return (read[0], read[1], read[0], read[1])
    if len(read) == 4:
        return (read[0], read[1], read[2], read[3])
    raise refuse(field, f"crop_margin takes 1, 2 or 4 lengths, not {len(read)}.")


def read_scale(value: object, field: str = "scale") -> float | None:
    """`original` (None) or 1 to 100 per cent of the canvas."""
    if value is None or (isinstance(value, str) and value.strip().lower() == "original"):
        return None
    return read_number(value, field, 1, 100, percent=True)


def read_position(value: object, field: str = "position") -> Position | Original | None:
    """`original`, `center`, `x%` or `x% y%`: 0 % is left or top, 100 % right or bottom. None: not set."""
    if value is None:
        return None
    if isinstance(value, str):
        word = value.strip().lower()
        if word == ORIGINAL:
            return ORIGINAL
        if word in ("center", "centre"):
            return (50.0, 50.0)
    read = [read_number(item, field, 0, 100, percent=True) for item in _items(value, field)]
    if len(read) not in (1, 2):
        raise refuse(field, f"position is original, center, x% or x% y%, not {value!r}.")
    return (read[0], read[-1])


def read_background(value: object, field: str = "background") -> Background:
    """A mapping with `kind`, or text: `transparent`, a colour, `linear:#fff,#ddd,90`, `radial:#fff,#ccc`,
    `picture:REF`, `picture:contain:REF`, `picture:contain,#fff:REF`, `blur:20` or `blur:2%`."""
    if isinstance(value, (Transparent, Plain, Gradient, Backdrop, Blurred)):
        return value
    if isinstance(value, Mapping):
        return _background_of(value, field)
    if not isinstance(value, str):
        raise refuse(field, f"background is text or an object with kind, not {value!r}.")
    text = value.strip()
    kind, colon, rest = text.partition(":")
    kind = kind.lower()
    if kind in ("linear", "radial") and colon:
        items: list[object] = [item.strip() for item in rest.split(",")]
        angle: object = 180
        # A bare number at the end is the angle, even if it could be a colour: write colours with a #.
        if kind == "linear" and isinstance(items[-1], str) and _ANGLE.fullmatch(items[-1]):
            angle = items.pop()
        return _background_of({"kind": kind, "colours": items, "angle": angle}, field)
    if kind == "picture" and colon:
        head, colon, tail = rest.partition(":")
        fit, _, colour = head.partition(",")
        if colon and fit.lower() in ("cover", "contain"):
            body = {"kind": kind, "ref": tail, "fit": fit}
            return _background_of(body | {"colour": colour} if colour else body, field)
        return _background_of({"kind": kind, "ref": rest}, field)
    if kind == "blur":
        return _background_of({"kind": kind, "radius": rest} if colon else {"kind": kind}, field)
    if kind == "transparent" and not colon:
        return Transparent()
    return _background_of({"kind": "colour", "colour": text}, field)


def _background_of(value: Mapping[str, object], field: str) -> Background:
    kind = read_choice(
        value.get("kind"), field, ("transparent", "colour", "linear", "radial", "picture", "blur")
    )
    if kind == "transparent":
        _keys(value, field, ("kind",))
        return Transparent()
    if kind == "colour":
        _keys(value, field, ("kind", "colour"))
        colour = Colour.read(value.get("colour"), field)
        return Plain(colour) if colour.alpha else Transparent()
    if kind == "blur":
        _keys(value, field, ("kind", "radius"))
        return Blurred(Length.read(value.get("radius", Blurred().radius), field, 0, 1000, 20))
    if kind == "picture":
        _keys(value, field, ("kind", "ref", "fit", "colour"))
        ref = value.get("ref")
        if not isinstance(ref, str) or not 1 <= len(ref.strip()) <= 1000 or not ref.isprintable():
            raise refuse(field, "A picture background needs `ref`, the name of the picture.")
        fit = read_choice(value.get("fit", "cover"), field, ("cover", "contain"))
        colour = Colour.read(value.get("colour", "transparent"), field)
        return Backdrop(ref.strip(), "contain" if fit == "contain" else "cover", colour)
    _keys(value, field, ("kind", "colours", "angle"))
    colours = value.get("colours")
    if not isinstance(colours, (list, tuple)) or not 2 <= len(colours) <= 8:
        raise refuse(field, f"A {kind} gradient takes two to eight colours, such as {kind}:#fff,#ddd.")
    angle = value.get("angle", 180)
    turn = angle.strip().removesuffix("deg") if isinstance(angle, str) else angle
    return Gradient(
        "radial" if kind == "radial" else "linear",
        tuple(Colour.read(colour, field) for colour in colours),
        read_number(turn, field, -3600, 3600),
    )


def read_shadow(value: object, field: str = "shadow") -> Shadow | None:
    """`none`, `drop`, `contact`, `drop:opacity=40,blur=2%,offset=1% 2%,colour=#000`, or a mapping."""
    if value is None or isinstance(value, Shadow):
        return value
    if isinstance(value, str):
        kind, _, rest = value.strip().partition(":")
        body: dict[str, object] = {"kind": kind}
        for part in filter(None, (piece.strip() for piece in rest.split(","))):
            key, equals, text = part.partition("=")
            if not equals:
                raise refuse(field, f"shadow has a part {part!r} that is not name=value.")
            body[key.strip()] = text.strip()
        value = body
    if not isinstance(value, Mapping):
        raise refuse(field, f"shadow is none, drop, contact or an object with kind, not {value!r}.")
    _keys(value, field, ("kind", "opacity", "blur", "offset", "colour"))
    kind = read_choice(value.get("kind"), field, ("none", "drop", "contact"))
    if kind == "none":
        return None
    usual = SHADOWS[kind]
    offset = [
        Length.read(item, field, -2000, 2000, 100)
        for item in _items(value.get("offset", usual.offset), field)
    ]
    if len(offset) != 2:
        raise refuse(field, "shadow's offset is two lengths: right and down.")
    shadow = Shadow(
        usual.kind,
        read_number(value.get("opacity", usual.opacity), field, 0, 100, percent=True),
        Length.read(value.get("blur", usual.blur), field, 0, 1000, 50),
        (offset[0], offset[1]),
        Colour.read(value.get("colour", usual.colour), field),
    )
    return shadow if shadow.opacity and shadow.colour.alpha else None


def read_size(value: object, field: str = "size") -> Size | None:
    """`4MP`, `2000x1500`, `2000x`, `x1500`, `original` (None), or a mapping."""
    if value is None or isinstance(value, Size):
        return value
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in ("original", "auto"):
            return None
        if text.lower().endswith("mp"):
            value = {"megapixels": text[:-2].strip()}
        elif (found := _EXACT.fullmatch(text)) and (found[1] or found[2]):
            value = {"width": found[1] or 0, "height": found[2] or 0}
    if not isinstance(value, Mapping):
        raise refuse(field, f"size is 4MP, 2000x1500, 2000x or original, not {value!r}.")
    if "megapixels" in value:
        _keys(value, field, ("megapixels",))
        return Size(megapixels=read_number(value["megapixels"], field, 0.01, MAX_MEGAPIXELS))
    _keys(value, field, ("width", "height"))
    width = int(read_number(value.get("width", 0), field, 0, MAX_SIDE))
    height = int(read_number(value.get("height", 0), field, 0, MAX_SIDE))
    if not width and not height:
        raise refuse(field, "size needs a width or a height.")
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise refuse(field, f"{width}×{height} is more than {MAX_MEGAPIXELS:.0f} megapixels.")
    return Size(width=width, height=height)
