"""Shadows by remove.bg's names: which of them a call asks for, and what we draw for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jobs.compat.errors import CompatError, shown
from segmentation.recipe import SHADOWS, Shadow

# The flat pool of light that is missing under a subject stands for the shadows of their renderer.
DRAWN: Final[dict[str, Shadow | None]] = {
    "none": None,
    "drop": SHADOWS["drop"],
    "3d": SHADOWS["contact"],
    "car": SHADOWS["contact"],
}
OPACITIES: Final = {"car": 90.0}
OPACITY: Final = 50.0


def shadow_of(fields: Mapping[str, str], kind: str, add_shadow: bool) -> Shadow | None:
    """The shadow for a subject of this kind (a type of remove.bg's, or `other`).

    A shadow for its own class goes before the general one; `add_shadow` means a car's shadow for a car.
    Raises CompatError `invalid_shadow_type`, `invalid_shadow_opacity`.
    """
    wanted = _name(fields.get("shadow_type", "none"))
    classes = {
        name[len("shadow_type[") : -1].lower(): _name(value)
        for name, value in fields.items()
        if name.startswith("shadow_type[") and name.endswith("]")
    }
    if add_shadow:
        classes.setdefault("car", "car")
    wanted = classes.get(kind, wanted)
    if wanted == "auto":
        wanted = "car" if kind == "car" else "drop"
    drawn, opacity = DRAWN[wanted], _opacity(fields, wanted)
    return replace(drawn, opacity=opacity) if drawn is not None and opacity else None


def _name(text: str) -> str:
    name = text.strip().lower()
    if name not in {*DRAWN, "auto"}:
        raise CompatError(
            "invalid_shadow_type", f"A shadow is none, auto, car, 3D or drop, not {shown(text)}."
        )
    return name


def _opacity(fields: Mapping[str, str], shadow: str) -> float:
    said = fields.get("shadow_opacity", "auto").strip().lower().removesuffix("%")
    if said == "auto":
        return OPACITIES.get(shadow, OPACITY)
    try:
        opacity = float(said)
    except ValueError:
        opacity = -1
    if not 0 <= opacity <= 100:
        raise CompatError("invalid_shadow_opacity", f"shadow_opacity is auto or 0 to 100, not {shown(said)}.")
    return opacity
