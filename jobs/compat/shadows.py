"""remove.bg's shadow parameters, and the shadows that we draw for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jobs.compat.errors import CompatError, quoted
from jobs.compat.types import OTHER, type_of
from segmentation.recipe import SHADOWS, Shadow

TYPE: Final = "shadow_type"
OPACITY: Final = "shadow_opacity"
AUTO: Final = "auto"
# What we draw for each of their shadows; theirs are rendered.
DRAWN: Final[dict[str, Shadow | None]] = {
    "none": None,
    "drop": SHADOWS["drop"],
    "3d": SHADOWS["contact"],
    "car": SHADOWS["contact"],
}
# What `auto` means, by subject type: the shadow and the opacity.
AUTO_SHADOWS: Final = {"person": "3d", "transportation": "3d", "car": "car"}
AUTO_SHADOW: Final = "drop"
AUTO_OPACITIES: Final = {"car": 90.0}
AUTO_OPACITY: Final = 50.0


def shadow_of(fields: Mapping[str, str], kind: str, add_shadow: bool) -> Shadow | None:
    """The shadow for a subject type (`other` if the caller named none).

    A value for the subject's type takes precedence over the general one. `add_shadow` means a car's shadow
    for a car. Raises CompatError `invalid_shadow_type`, `invalid_shadow_opacity`.
    """
    shadows = {name: _shadow(text) for name, text in _by_type(fields, TYPE).items()}
    opacities = {name: _opacity(text) for name, text in _by_type(fields, OPACITY).items()}
    if add_shadow:
        shadows.setdefault("car", "car")
    wanted = shadows.get(kind, shadows.get("", "none"))
    if wanted == AUTO:
        wanted = AUTO_SHADOWS.get(kind, AUTO_SHADOW)
    opacity = opacities.get(kind, opacities.get(""))
    if opacity is None:
        opacity = AUTO_OPACITIES.get(kind, AUTO_OPACITY)
    drawn = DRAWN[wanted]
    return replace(drawn, opacity=opacity) if drawn is not None and opacity else None


def _by_type(fields: Mapping[str, str], name: str) -> dict[str, str]:
    """The values of a parameter by subject type; "" is the general value.

    `name[car]=10` sets the value of one type; so does a JSON object, `name={"car": 10}`.
    """
    values: dict[str, str] = {}
    if (said := fields.get(name, "")).startswith("{"):
        values = {_type(key): str(value) for key, value in _object(said, name).items()}
    elif said:
        values = {"": said}
    for field, value in fields.items():
        if field.startswith(f"{name}[") and field.endswith("]"):
            values[_type(field[len(name) + 1 : -1])] = value
    return values


def _type(name: str) -> str:
    # An unknown type stays as it is, so that it does not count as `other`.
    plain = name.strip().lower()
    return plain if type_of(plain) == OTHER else type_of(plain)


def _object(text: str, name: str) -> dict[str, object]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CompatError(f"invalid_{name}", f"{name} is not a JSON object: {quoted(text)}.") from error
    return said if isinstance(said, dict) else {}


def _shadow(text: str) -> str:
    name = text.strip().lower()
    if name not in {*DRAWN, AUTO}:
        raise CompatError(
            "invalid_shadow_type", f"A shadow is none, auto, car, 3D or drop, not {quoted(text)}."
        )
    return name


def _opacity(text: str) -> float | None:
    """The opacity in percent; None: it depends on the subject type."""
    said = text.strip().lower().removesuffix("%")
    if said == AUTO:
        return None
    try:
        opacity = float(said)
    except ValueError:
        opacity = -1
    if not 0 <= opacity <= 100:
        raise CompatError(
            "invalid_shadow_opacity", f"shadow_opacity is auto or 0 to 100, not {quoted(text)}."
        )
    return opacity
