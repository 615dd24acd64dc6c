"""The structured values of a recipe: region, background, shadow, size. Immutable and comparable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from segmentation.errors import RecipeError
from segmentation.recipe.values import BLACK, NOTHING, Colour, Length, spell, tidy

Json = dict[str, object]

_SOFT = Length(2, "%")
_CLEAR = Colour(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the source; per cent are of its width (left, right) and height (top, bottom)."""

    left: Length
    top: Length
    right: Length
    bottom: Length

    def __str__(self) -> str:
        return f"{self.left} {self.top} {self.right} {self.bottom}"

    @property
    def whole(self) -> bool:
        """Whether this is 0% 0% 100% 100%."""
        full = Length(100, "%")
        return self.left.value == self.top.value == 0 and self.right == full and self.bottom == full

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in whole pixels of a `width`×`height` picture, the latter two exclusive.

        Raises RecipeError `roi_exceeds_bounds` if it leaves the picture, `roi_region_empty` if it contains no
        pixel.
        """
        left, right = math.floor(self.left.pixels(width)), math.ceil(self.right.pixels(width))
        top, bottom = math.floor(self.top.pixels(height)), math.ceil(self.bottom.pixels(height))
        if left > width or right > width or top > height or bottom > height:
            sentence = f"The region {self} leaves the picture of {width}×{height} pixels."
            raise RecipeError("roi_exceeds_bounds", sentence, "roi")
        if left >= right or top >= bottom:
            sentence = (
                f"The region {self} contains no pixel of the picture, which is {width}×{height}. Enlarge it."
            )
            raise RecipeError("roi_region_empty", sentence, "roi")
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Transparent:
    """No background: the cut-out with its alpha."""

    opaque = False

    def __str__(self) -> str:
        return "transparent"

    def as_json(self) -> Json:
        return {"kind": "transparent"}


@dataclass(frozen=True, slots=True)
class Plain:
    """One colour, which may be half transparent."""

    colour: Colour

    @property
    def opaque(self) -> bool:
        return self.colour.opaque

    def __str__(self) -> str:
        return str(self.colour)

    def as_json(self) -> Json:
        return {"kind": "colour", "colour": str(self.colour)}


@dataclass(frozen=True, slots=True)
class Gradient:
    """Two or more colours at equal distances, mixed in linear light.

    Linear: along `angle` as in CSS (0 upwards, 90 to the right, 180 downwards), corner to corner.
    Radial: from the centre to the farthest corner; the angle is not used and is 0.
    """

    kind: Literal["linear", "radial"]
    colours: tuple[Colour, ...]
    angle: float = 180

    def __post_init__(self) -> None:
        object.__setattr__(self, "angle", 0.0 if self.kind == "radial" else tidy(self.angle % 360) % 360)

    @property
    def opaque(self) -> bool:
        return all(colour.opaque for colour in self.colours)

    def __str__(self) -> str:
        colours = ",".join(map(str, self.colours))
        return f"radial:{colours}" if self.kind == "radial" else f"linear:{colours},{spell(self.angle)}"

    def as_json(self) -> Json:
        body: Json = {"kind": self.kind, "colours": [str(colour) for colour in self.colours]}
        return body if self.kind == "radial" else body | {"angle": spell(self.angle)}


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Another picture, centred. `ref` names it: a digest on the platform, a path on the command line.

    `cover` fills the canvas and cuts off the overhang; `contain` shows the whole picture on `colour`.
    """

    ref: str
    fit: Literal["cover", "contain"] = "cover"
    colour: Colour = _CLEAR

    def __post_init__(self) -> None:
        if self.fit == "cover":
            object.__setattr__(self, "colour", _CLEAR)

    @property
    def opaque(self) -> bool:
        # The picture may have an alpha channel; only an opaque colour under it makes the result opaque.
        return self.colour.opaque

    def __str__(self) -> str:
        fit = self.fit if self.colour.alpha == 0 else f"{self.fit},{self.colour}"
        return f"picture:{fit}:{self.ref}"

    def as_json(self) -> Json:
        return {"kind": "picture", "ref": self.ref, "fit": self.fit, "colour": str(self.colour)}


@dataclass(frozen=True, slots=True)
class Blurred:
    """The source itself, out of focus; per cent are of the canvas's longer side."""

    radius: Length = _SOFT

    opaque = True

    def __str__(self) -> str:
        return f"blur:{self.radius}"

    def as_json(self) -> Json:
        return {"kind": "blur", "radius": str(self.radius)}


Background = Transparent | Plain | Gradient | Backdrop | Blurred


@dataclass(frozen=True, slots=True)
class Shadow:
    """A shadow of the subject; per cent are of the subject's longer side on the canvas.

    `drop`: the subject's shape, blurred and moved by `offset` (right, down).
    `contact`: a flat ellipse under the subject's foot, moved in the same way.
    """

    kind: Literal["drop", "contact"]
    opacity: float = 50
    blur: Length = _SOFT
    offset: tuple[Length, Length] = (NOTHING, NOTHING)
    colour: Colour = BLACK

    def __str__(self) -> str:
        offset = f"{self.offset[0]} {self.offset[1]}"
        return (
            f"{self.kind}:opacity={spell(self.opacity)},blur={self.blur},offset={offset},colour={self.colour}"
        )

    def as_json(self) -> Json:
        return {
            "kind": self.kind,
            "opacity": spell(self.opacity),
            "blur": str(self.blur),
            "offset": [str(self.offset[0]), str(self.offset[1])],
            "colour": str(self.colour),
        }


SHADOWS = {
    "drop": Shadow("drop", opacity=45, blur=Length(2, "%"), offset=(Length(1, "%"), Length(2, "%"))),
    "contact": Shadow("contact", opacity=55, blur=Length(1.5, "%")),
}


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the result: at most `megapixels`, or exactly `width` × `height` (0: follows the other).

    A megapixel limit only shrinks. An exact size also enlarges; background fills the rest.
    """

    megapixels: float = 0
    width: int = 0
    height: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "megapixels", tidy(self.megapixels))

    def __str__(self) -> str:
        if self.megapixels:
            return f"{spell(self.megapixels)}MP"
        return f"{self.width or ''}x{self.height or ''}"

    def as_json(self) -> Json:
        if self.megapixels:
            return {"megapixels": spell(self.megapixels)}
        return {"width": self.width, "height": self.height}
