"""Colours and lengths, with one canonical spelling each, and numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from segmentation.errors import RecipeError

Unit = Literal["px", "%"]

_HEX = re.compile(r"#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_LENGTH = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*(px|%)?")


def refuse(field: str, sentence: str) -> RecipeError:
    """The error for a bad value of `field`: code `invalid_<field>`."""
    return RecipeError(f"invalid_{field}", sentence, field)


def tidy(number: float) -> float:
    """`number` to four decimals, never -0.0, so that equal recipes have equal digests."""
    return round(float(number), 4) + 0.0


def spell(number: float) -> str:
    """The shortest decimal spelling of a tidy number: 12, 12.5, 0.25."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


def _float(number: float) -> float:
    """As a float; infinity for an integer that is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def read_number(value: object, field: str, low: float, high: float, *, percent: bool = False) -> float:
    """A finite number in low..high from a JSON number or its text. Booleans are refused.

    percent: the number is a percentage, so its text may end in %.
    """
    number: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = _float(value)
    elif isinstance(value, str):
        try:
            number = float(value.strip().removesuffix("%") if percent else value)
        except ValueError:
            number = None
    if number is None or not math.isfinite(number) or not low <= number <= high:
        raise refuse(field, f"{field} must be a number from {spell(low)} to {spell(high)}, not {value!r}.")
    return tidy(number)


@dataclass(frozen=True, slots=True)
class Colour:
    """An sRGB colour with straight alpha; each component is 0..255."""

    red: int
    green: int
    blue: int
    alpha: int = 255

    def __post_init__(self) -> None:
        for part in (self.red, self.green, self.blue, self.alpha):
            if not 0 <= part <= 255:
                raise refuse("background", f"A colour's parts go from 0 to 255, not {part}.")

    @property
    def opaque(self) -> bool:
        """Whether the colour hides what is behind it."""
        return self.alpha == 255

    def __str__(self) -> str:
        tail = "" if self.opaque else f"{self.alpha:02x}"
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}{tail}"

    @classmethod
    def read(cls, value: object, field: str) -> Colour:
        """From `#fff`, `ffff`, `#ffffff`, `#ffffffff` (with or without #) or a CSS colour name."""
        if isinstance(value, Colour):
            return value
        if isinstance(value, str):
            text = value.strip()
            if found := _HEX.fullmatch(text):
                digits = found[1] if len(found[1]) > 4 else "".join(2 * digit for digit in found[1])
                return cls(*bytes.fromhex(digits))
            if text.lower() == "transparent":
                return cls(0, 0, 0, 0)
            # Pillow has the CSS names. Imported only for a name, to keep `import segmentation.recipe` light.
            from PIL import ImageColor

            named = ImageColor.colormap.get(text.lower())
            if named is not None:
                return cls(*ImageColor.getrgb(named if isinstance(named, str) else text)[:3])
        raise refuse(field, f"{value!r} is not a colour: write #rrggbb, #rrggbbaa or a CSS colour name.")


@dataclass(frozen=True, slots=True)
class Length:
    """A distance in pixels, or in per cent of a length that depends on the field."""

    value: float
    unit: Unit = "px"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", tidy(self.value))

    def __str__(self) -> str:
        return f"{spell(self.value)}{self.unit}"

    def pixels(self, whole: float) -> float:
        """In pixels, where 100 % is `whole` pixels."""
        return self.value if self.unit == "px" else self.value * whole / 100

    @classmethod
    def read(cls, value: object, field: str, low: float, high_px: float, high_percent: float) -> Length:
        """From 12, "12", "12px" or "12%"; at least `low`, at most the `high` of its unit."""
        length: Length | None = None
        if isinstance(value, Length):
            length = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(_float(value)):
            length = cls(value)
        elif isinstance(value, str) and (found := _LENGTH.fullmatch(value.strip())):
            length = cls(float(found[1]), "%" if found[2] == "%" else "px")
        high = high_percent if length is not None and length.unit == "%" else high_px
        if length is None or not low <= length.value <= high:
            limits = f"from {spell(low)} to {spell(high_px)} px or {spell(high_percent)} %"
            raise refuse(field, f"{field} takes lengths {limits}, such as 20px or 5%, not {value!r}.")
        return length


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)
NOTHING = Length(0)
